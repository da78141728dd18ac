/** Where a person writes: the command menu, the input, a picture or file to send, and the reply keyboard. */
import { useEffect, useRef, useState } from "preact/hooks";
import { say, sendFile, start } from "acts";
import { post } from "api";
import { html, Icon } from "html";
import { ask, setDraft } from "store";
import { useWords } from "words";

const LINES_HEIGHT_MAX = 132;

export function Compose({ person, empty, draft, bot }) {
  const words = useWords();
  if (person.blocked) {
    const unblock = () => post(`people/${person.id}/block`, { blocked: false });
    return html`<div class="compose"><button type="button" class="wide-action" onClick=${unblock}>${words.unblock}</button></div>`;
  }
  if (empty && !draft) {
    const open = () => start(person.id, "", words);
    return html`<div class="compose"><button type="button" class="wide-action" onClick=${open}>${words.start}</button></div>`;
  }
  return html`<${Writer} ...${{ person, draft, bot, words }} />`;
}

function Writer({ person, draft, words }) {
  const [menuOpen, setMenuOpen] = useState(false);
  const [keysOpen, setKeysOpen] = useState(true);
  const input = useRef(null);
  const file = useRef(null);
  const keyboard = person.keyboard;

  useEffect(() => setKeysOpen(true), [keyboard]);
  useEffect(() => {
    const area = input.current;
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight, LINES_HEIGHT_MAX)}px`;
  }, [draft]);

  const send = (text) => {
    if (!text.trim()) return;
    setDraft(person.id, "");
    setMenuOpen(false);
    say(person.id, text, words);
  };
  const onKeyDown = (event) => {
    // While an input method is composing (pinyin), Enter picks a word and must not send.
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
      event.preventDefault();
      send(draft);
    } else if (event.key === "Escape") setMenuOpen(false);
  };
  const attach = (event) => {
    const chosen = event.target.files[0];
    event.target.value = "";
    if (chosen) sendFile(person.id, chosen, draft, words).then((done) => done && setDraft(person.id, ""));
  };
  const typed = /^\/([a-z0-9_]*)$/.exec(draft);
  const commands = person.commands.filter((one) => (typed ? one.command.startsWith(typed[1]) : true));
  const showMenu = menuOpen || (typed && commands.length > 0);

  return html`<div class="compose">
    ${showMenu &&
    html`<div class="commands" role="menu" aria-label=${words.menu}>
      ${commands.length === 0 && html`<p class="none">${words.noCommands}</p>`}
      ${commands.map(
        (one) =>
          html`<button type="button" role="menuitem" onClick=${() => send(`/${one.command}`)}>
            <b>/${one.command}</b><span>${one.description}</span>
          </button>`,
      )}
    </div>`}
    <div class="writer">
      <button type="button" class="menu-button" aria-label=${words.menu} aria-expanded=${showMenu} onClick=${() => setMenuOpen(!menuOpen)}>
        <${Icon} name=${menuOpen ? "close" : "menu"} /><span>${words.menu}</span>
      </button>
      <textarea
        ref=${input}
        rows="1"
        aria-label=${words.message}
        placeholder=${keyboard?.placeholder || words.messagePlaceholder}
        value=${draft}
        onInput=${(event) => setDraft(person.id, event.target.value)}
        onKeyDown=${onKeyDown}
      ></textarea>
      ${keyboard &&
      html`<button type="button" class="tool" aria-label=${words.keyboard} aria-expanded=${keysOpen} onClick=${() => setKeysOpen(!keysOpen)}><${Icon} name="keyboard" /></button>`}
      <input ref=${file} type="file" hidden onChange=${attach} />
      <button type="button" class="tool" aria-label=${words.attach} title=${words.attach} onClick=${() => file.current.click()}><${Icon} name="attach" /></button>
      <button type="button" class="tool send" aria-label=${words.send} title=${words.send} disabled=${!draft.trim()} onClick=${() => send(draft)}><${Icon} name="send" /></button>
    </div>
    ${keyboard &&
    keysOpen &&
    html`<div class="reply-keys">
      ${keyboard.rows.map(
        (row) =>
          html`<div class="row">
            ${row.map((key) => {
              const press = key.request_contact ? () => ask({ kind: "contact", person: person.id }) : () => send(key.text);
              return html`<button type="button" onClick=${press}>${key.request_contact && html`<${Icon} name="phone" />`}${key.text}</button>`;
            })}
          </div>`,
      )}
    </div>`}
  </div>`;
}
