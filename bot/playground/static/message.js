/** One message: bubble, picture or file, time, and the inline keyboard under it. */
import { useRef, useState } from "preact/hooks";
import { copy, follow, passOn, pay, say, tap } from "acts";
import { html, Icon } from "html";
import { rich } from "rich";
import { ask, setDraft } from "store";
import { clockTime } from "times";
import { useWords } from "words";

const HOLD_MS = 500;

export function Message({ person, message }) {
  const words = useWords();
  const { text, photo, document, mine } = message;
  const held = useRef(0);
  const on = {
    link: (url) => follow(person, url),
    command: (command) => say(person, command, words),
  };
  const menu = (event) => {
    event.preventDefault();
    ask({ kind: "message", person, message });
  };
  const press = (event) => {
    if (event.pointerType === "touch") held.current = setTimeout(() => ask({ kind: "message", person, message }), HOLD_MS);
  };
  const release = () => clearTimeout(held.current);
  const picture = photo != null;
  return html`<div class=${`msg ${mine ? "mine" : "bot"} ${message.keyboard.length ? "wide" : ""}`} data-id=${message.id}>
    <div
      class=${`bubble ${picture ? "with-picture" : ""} ${text ? "" : "bare"}`}
      onContextMenu=${menu}
      onPointerDown=${press}
      onPointerUp=${release}
      onPointerLeave=${release}
      onPointerCancel=${release}
    >
      ${picture && html`<${Picture} person=${person} message=${message} />`}
      ${document &&
      html`<a class="file" href=${document.src} download=${document.name}>
        <span class="file-icon"><${Icon} name="file" /></span>
        <span><b>${document.name}</b><small>${size(document.size)} · ${words.download}</small></span>
      </a>`}
      ${text && html`<span class="text">${rich(text, message.entities, on)}</span>`}
      <span class="stamp">
        ${message.edited_at != null && html`<i>${words.edited}</i>`}
        <time datetime=${new Date(message.at * 1000).toISOString()}>${clockTime(message.at)}</time>
        ${mine && html`<svg class="ticks" viewBox="0 0 18 12" aria-hidden="true"><path d="M1 6.5l3.5 3.5L12 2M7 8.5L8.5 10 16 2" /></svg>`}
      </span>
    </div>
    ${message.keyboard.length > 0 &&
    html`<div class="keys" role="group">
      ${message.keyboard.map(
        (row, r) =>
          html`<div class="row">${row.map((button, c) => html`<${Key} key=${`${r}:${c}:${button.value}`} ...${{ person, message, button }} />`)}</div>`,
      )}
    </div>`}
  </div>`;
}

function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

function Picture({ person, message }) {
  const words = useWords();
  const { photo } = message;
  return html`<button type="button" class="picture" aria-label=${words.picture} onClick=${() => ask({ kind: "picture", person, message })}>
    <img src=${photo.src} width=${photo.width} height=${photo.height} alt=${message.text || words.picture} />
  </button>`;
}

const KEY_ICONS = { url: "link", copy: "copy", inline: "share", inline_here: "keyboard", web_app: "window" };

function Key({ person, message, button }) {
  const words = useWords();
  const [waiting, setWaiting] = useState(false);
  const act = {
    data: async () => {
      setWaiting(true);
      await tap(person, message.id, button.value, words);
      setWaiting(false);
    },
    pay: async () => {
      setWaiting(true);
      await pay(person, message.id, words);
      setWaiting(false);
    },
    url: () => follow(person, button.value),
    copy: () => copy(person, button.value, words),
    inline: async () => {
      setWaiting(true);
      await passOn(person, button.value, words);
      setWaiting(false);
    },
    inline_here: () => setDraft(person, button.value),
    web_app: () => ask({ kind: "outside", person, url: button.value, miniApp: true }),
  }[button.kind];
  return html`<button
    type="button"
    class=${`key ${button.style ?? ""}`}
    aria-busy=${waiting}
    disabled=${!act}
    onClick=${() => !waiting && act()}
  >
    <span>${button.text}</span>
    ${waiting ? html`<span class="spinner" />` : KEY_ICONS[button.kind] && html`<span class="corner"><${Icon} name=${KEY_ICONS[button.kind]} /></span>`}
  </button>`;
}
