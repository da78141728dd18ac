/** The programme's date, and a way to move it forward. */
import { useContext, useEffect, useState } from "preact/hooks";
import { attempt } from "acts";
import { post } from "api";
import { html, Icon } from "html";
import { toast, useStore } from "store";
import { addDays, dateName } from "times";
import { Language, useWords } from "words";

const STEPS = [1, 7, 30];

export function Clock() {
  const { clock } = useStore();
  const words = useWords();
  const language = useContext(Language);
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState(false);
  const [date, setDate] = useState("");
  const today = clock?.date;
  useEffect(() => {
    if (today) setDate(addDays(today, 1));
  }, [today]);
  if (!today) return null;
  const advance = async (body) => {
    setBusy(true);
    const done = await attempt("page", words, () => post("clock", body));
    setBusy(false);
    if (!done) return;
    setOpen(false);
    toast("page", words.advanced(dateName(done.clock.date, words, language)));
  };
  const pick = (event) => {
    event.preventDefault();
    advance({ day: date });
  };
  return html`<div class="dropdown clock">
    <button type="button" class="date" aria-label=${words.clock} aria-expanded=${open} onClick=${() => setOpen(!open)}>
      <${Icon} name="calendar" /><span>${dateName(today, words, language)}</span>${busy && html`<span class="spinner" />`}
    </button>
    ${open &&
    html`<div class="away" onClick=${() => setOpen(false)}></div>
      <div class="sheet pad">
        <p class="hint">${busy ? words.advancing : words.clockHint}</p>
        <div class="steps">
          ${STEPS.map((days) => html`<button type="button" disabled=${busy} onClick=${() => advance({ days })}>${words.days(days)}</button>`)}
        </div>
        <form class="pick" onSubmit=${pick}>
          <input type="date" aria-label=${words.pickDate} required min=${addDays(today, 1)} value=${date} onInput=${(event) => setDate(event.target.value)} />
          <button type="submit" class="solid" disabled=${busy || !date}>${words.advance}</button>
        </form>
        <small class="hint">${words.forwardOnly}</small>
      </div>`}
  </div>`;
}
