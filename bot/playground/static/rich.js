/**
 * A message's text with its entities, drawn by an allow-list: text becomes text nodes and each known entity one element.
 * Offsets and lengths are UTF-16 code units, as JavaScript counts too. Markup inside the text is never read as HTML.
 */
import { useState } from "preact/hooks";
import { html } from "html";

const PLAIN_TAGS = { bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code" };

/** Telegram's own server finds these when the bot did not mark them; so do we, outside the entities it marked. */
const FOUND = /(https?:\/\/[^\s<>"'，。；！？、）》」]+|\bt\.me\/[^\s<>"'，。；！？、）》」]+)|(?<![\w/])(\/[a-z0-9_]{1,32})(?![\w/])/giu;

function found(text, taken) {
  const entities = [];
  for (const match of text.matchAll(FOUND)) {
    const [offset, length] = [match.index, match[0].length];
    if (taken.some((entity) => entity.offset < offset + length && offset < entity.offset + entity.length)) continue;
    entities.push({ type: match[1] ? "url" : "bot_command", offset, length });
  }
  return entities;
}

const LEAVES = new Set(["url", "bot_command", "text_link", "code", "pre", "mention", "email"]);

/** @returns {Array} children: strings and vnodes. `on` = {link(url), command(text)}. */
export function rich(text, entities, on) {
  const known = (entities ?? []).filter((entity) => entity.length > 0 && entity.offset >= 0 && entity.offset + entity.length <= text.length);
  const leaves = known.filter((entity) => LEAVES.has(entity.type));
  // Outer before inner: by start, then longer first.
  const all = [...known, ...found(text, leaves)].sort((a, b) => a.offset - b.offset || b.length - a.length);
  return nest(text, 0, text.length, all, on);
}

function nest(text, from, to, entities, on) {
  const children = [];
  let at = from;
  for (let i = 0; i < entities.length; i++) {
    const entity = entities[i];
    const end = Math.min(entity.offset + entity.length, to);
    if (entity.offset < at || entity.offset >= to) continue;
    if (entity.offset > at) children.push(text.slice(at, entity.offset));
    const inside = entities.slice(i + 1).filter((inner) => inner.offset >= entity.offset && inner.offset + inner.length <= end);
    children.push(element(entity, text.slice(entity.offset, end), nest(text, entity.offset, end, inside, on), on));
    at = end;
  }
  if (at < to) children.push(text.slice(at, to));
  return children;
}

function element(entity, raw, children, on) {
  const tag = PLAIN_TAGS[entity.type];
  if (tag) return html`<${tag}>${children}<//>`;
  switch (entity.type) {
    case "pre":
      return html`<pre><code>${raw}</code></pre>`;
    case "blockquote":
    case "expandable_blockquote":
      return html`<${Quote} expandable=${entity.type === "expandable_blockquote"}>${children}<//>`;
    case "spoiler":
      return html`<${Spoiler}>${children}<//>`;
    case "url":
      return html`<button type="button" class="link" onClick=${() => on.link(raw)}>${raw}</button>`;
    case "text_link":
      return html`<button type="button" class="link" title=${entity.url} onClick=${() => on.link(entity.url)}>${children}</button>`;
    case "bot_command":
      return html`<button type="button" class="link" onClick=${() => on.command(raw)}>${raw}</button>`;
    case "mention":
    case "text_mention":
    case "hashtag":
    case "cashtag":
    case "email":
    case "phone_number":
      return html`<span class="linkish">${children}</span>`;
    default:
      return html`<span>${children}</span>`;
  }
}

function Spoiler({ children }) {
  const [shown, show] = useState(false);
  return shown ? html`<span>${children}</span>` : html`<button type="button" class="spoiler" onClick=${() => show(true)}>${children}</button>`;
}

function Quote({ expandable, children }) {
  const [open, setOpen] = useState(!expandable);
  return html`<blockquote class=${open ? "" : "folded"} onClick=${() => expandable && setOpen(!open)}>${children}</blockquote>`;
}
