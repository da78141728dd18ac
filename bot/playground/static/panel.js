/** Backstage: every Bot API call the bot makes, and faults to set in its way. */
import { useState } from "preact/hooks";
import { attempt } from "acts";
import { post, remove } from "api";
import { html, Icon } from "html";
import { toast, update, useStore } from "store";
import { clockTime } from "times";
import { useWords } from "words";

const SHOWN_MAX = 150;
const METHODS = ["sendMessage", "editMessageText", "sendPhoto", "editMessageMedia", "answerCallbackQuery", "deleteMessage", "getUpdates"];
const KINDS = { flood: "faultFlood", error: "faultError", timeout: "faultTimeout", drop: "faultDrop", reset: "faultReset" };
const TIMED = new Set(["flood", "timeout"]);

export function Panel({ onClose }) {
  const words = useWords();
  const { calls, faults } = useStore();
  const [tab, setTab] = useState("calls");
  const choose = (name, label, count) =>
    html`<button type="button" role="tab" aria-selected=${tab === name} onClick=${() => setTab(name)}>${label}${count > 0 && html`<span class="badge">${count}</span>`}</button>`;
  return html`<aside class="panel" aria-label=${words.panelTitle}>
    <header>
      <div class="tabs" role="tablist">${choose("calls", words.calls, 0)}${choose("faults", words.faults, faults.length)}</div>
      <button type="button" class="tool" aria-label=${words.close} onClick=${onClose}><${Icon} name="close" /></button>
    </header>
    ${tab === "calls" ? html`<${Calls} calls=${calls} />` : html`<${Faults} faults=${faults} />`}
  </aside>`;
}

function Calls({ calls }) {
  const words = useWords();
  const [failed, setFailed] = useState(false);
  const shown = calls.filter((call) => !failed || call.status !== 200).slice(-SHOWN_MAX).reverse();
  return html`<div class="calls">
    <div class="bar">
      <label><input type="checkbox" checked=${failed} onChange=${() => setFailed(!failed)} />${words.onlyFailed}</label>
      <button type="button" class="quiet small" onClick=${() => update({ calls: [] })}>${words.clear}</button>
    </div>
    ${shown.length === 0 && html`<p class="none">${words.noCalls}</p>`}
    <ol>
      ${shown.map((call) => html`<${Call} key=${call.id} call=${call} />`)}
    </ol>
  </div>`;
}

function Call({ call }) {
  const words = useWords();
  const { people } = useStore();
  const [open, setOpen] = useState(false);
  const person = people.find((one) => one.id === call.person);
  const good = call.status === 200;
  return html`<li>
    <button type="button" class="call" aria-expanded=${open} onClick=${() => setOpen(!open)}>
      <span class=${`status ${good ? "good" : "bad"}`}>${call.status || "✕"}</span>
      <span class="what"><b>${call.method}</b><small>${person ? person.name : ""} ${summary(call)}</small></span>
      <span class="ms">${call.ms < 10 ? call.ms.toFixed(1) : Math.round(call.ms)} ms<small>${clockTime(call.at)}</small></span>
    </button>
    ${open &&
    html`<div class="detail">
      <h3>${words.parameters}</h3>
      <pre>${JSON.stringify(call.params, null, 2)}</pre>
      <h3>${words.result}</h3>
      <pre>${JSON.stringify(call.result, null, 2)}</pre>
    </div>`}
  </li>`;
}

/** The few words by which one recognises a call: its text, or why it was refused. */
function summary(call) {
  if (call.status !== 200 && typeof call.result === "string") return call.result;
  const text = call.params.text ?? call.params.caption ?? call.params.action ?? "";
  return String(text).replace(/<[^>]*>/g, "").replace(/\s+/g, " ").slice(0, 60);
}

function Faults({ faults }) {
  const words = useWords();
  const { people } = useStore();
  const [kind, setKind] = useState("flood");
  const [method, setMethod] = useState("sendMessage");
  const [person, setPerson] = useState("");
  const [times, setTimes] = useState(1);
  const [seconds, setSeconds] = useState(3);
  const inject = (event) => {
    event.preventDefault();
    const fault = { kind, method, times, seconds, person: person ? Number(person) : null };
    attempt("page", words, () => post("faults", fault)).then((done) => done && toast("page", words.armed));
  };
  const name = (id) => people.find((one) => one.id === id)?.name ?? words.anyPerson;
  return html`<div class="faults">
    <p class="hint">${words.faultHint}</p>
    <form onSubmit=${inject}>
      <fieldset>
        <legend class="hidden">${words.faults}</legend>
        ${Object.entries(KINDS).map(
          ([value, label]) =>
            html`<label class="radio"><input type="radio" name="kind" value=${value} checked=${kind === value} onChange=${() => setKind(value)} />${words[label]}</label>`,
        )}
      </fieldset>
      <div class="pair">
        <label
          >${words.method}
          <select value=${method} onChange=${(event) => setMethod(event.target.value)}>
            <option value="*">${words.anyMethod}</option>
            ${METHODS.map((one) => html`<option value=${one}>${one}</option>`)}
          </select>
        </label>
        <label
          >${words.person}
          <select value=${person} onChange=${(event) => setPerson(event.target.value)}>
            <option value="">${words.anyPerson}</option>
            ${people.map((one) => html`<option value=${one.id}>${one.name}</option>`)}
          </select>
        </label>
        <label>${words.times}<input type="number" min="1" max="100" value=${times} onInput=${(event) => setTimes(Number(event.target.value))} /></label>
        ${TIMED.has(kind) &&
        html`<label>${words.seconds}<input type="number" min="1" max="120" value=${seconds} onInput=${(event) => setSeconds(Number(event.target.value))} /></label>`}
      </div>
      <button type="submit" class="solid"><${Icon} name="bolt" />${words.inject}</button>
    </form>
    <h3>${words.armed}</h3>
    ${faults.length === 0
      ? html`<p class="none">${words.noFaults}</p>`
      : html`<ul>
            ${faults.map(
              (fault) =>
                html`<li key=${fault.id}>
                  <b>${words[KINDS[fault.kind]] ?? fault.kind}</b>
                  <small>${fault.method === "*" ? words.anyMethod : fault.method} · ${name(fault.person)} · ${words.timesLeft(fault.left)}</small>
                </li>`,
            )}
          </ul>
          <button type="button" class="quiet" onClick=${() => attempt("page", words, () => remove("faults"))}>${words.removeFaults}</button>`}
  </div>`;
}
