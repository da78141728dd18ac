/** One person's Telegram: the chat with the bot, from header to input, and what pops up over it. */
import { useContext, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { attempt, follow, say, start } from "acts";
import { post } from "api";
import { Compose } from "compose";
import { html, Icon } from "html";
import { readLink } from "links";
import { Message } from "message";
import { Avatar } from "people";
import { rich } from "rich";
import { closeDialog, getState, markSeen, toast, update, useStore } from "store";
import { dayName } from "times";
import { Language, useLocal, useWords } from "words";

const NEAR_BOTTOM = 80;

export function Phone({ person, onTurn }) {
  const state = useStore();
  const messages = state.chats[person.id] ?? [];
  const words = useWords();
  return html`<section class="phone-slot" aria-label=${person.name} data-person=${person.id} onFocusIn=${onTurn} onPointerDown=${onTurn}>
    <${Owner} person=${person} />
    <div class="phone">
      <${Header} ...${{ person, bot: state.bot, typingUntil: state.typing[person.id] ?? 0 }} />
      <${Log} ...${{ person, messages, bot: state.bot }} />
      <${Compose} ...${{ person, bot: state.bot, empty: messages.length === 0, draft: state.drafts[person.id] ?? "" }} />
      <${Shared} ...${{ person, shared: state.shares[person.id], words }} />
      ${state.dialog?.kind === "alert" && state.dialog.person === person.id && html`<${Alert} text=${state.dialog.text} words=${words} />`}
      ${state.toasts[person.id] && html`<div class="toast" role="status" key=${state.toasts[person.id].key}>${state.toasts[person.id].text}</div>`}
    </div>
  </section>`;
}

/** The pop-up of a callback answer with `show_alert`. */
function Alert({ text, words }) {
  return html`<div class="over">
    <div class="alert" role="alertdialog" aria-modal="true">
      <p>${text}</p>
      <button type="button" class="quiet" autofocus onClick=${closeDialog}>${words.ok}</button>
    </div>
  </div>`;
}

function Owner({ person }) {
  const local = useLocal();
  return html`<header class="owner"><${Avatar} person=${person} /><b>${person.name}</b><span>${local(person.role)}</span></header>`;
}

function Header({ person, bot, typingUntil }) {
  const words = useWords();
  const [open, setOpen] = useState(false);
  const [, redraw] = useState(0);
  const typing = typingUntil > Date.now();
  useEffect(() => {
    if (!typing) return undefined;
    const timer = setTimeout(() => redraw((n) => n + 1), typingUntil - Date.now() + 20);
    return () => clearTimeout(timer);
  }, [typingUntil]);
  const act = (work) => () => {
    setOpen(false);
    work();
  };
  const change = (path, body) => attempt(person.id, words, () => post(`people/${person.id}/${path}`, body));
  const redeliver = async () => {
    const done = await change("redeliver");
    if (done) toast(person.id, done.redelivered ? words.redelivered : words.nothingToRedeliver);
  };
  const other = person.language.startsWith("zh") ? ["en", "English"] : ["zh-hans", "中文"];
  return html`<header class="chat-head">
    <span class="bot-mark"><svg viewBox="0 0 64 64" aria-hidden="true"><g><ellipse cx="32" cy="21" rx="17" ry="8" /><path d="M15 21v11c0 4.4 7.6 8 17 8s17-3.6 17-8V21" /><path d="M15 32v11c0 4.4 7.6 8 17 8s17-3.6 17-8V32" /></g></svg></span>
    <span class="who">
      <b>${person.bot_name || bot.username}</b>
      <small class=${typing ? "typing" : ""}>${person.blocked ? words.blockedSubtitle : typing ? words.typing : words.bot}</small>
    </span>
    <div class="dropdown">
      <button type="button" class="tool" aria-label=${words.chatMenu} aria-expanded=${open} onClick=${() => setOpen(!open)}><${Icon} name="more" /></button>
      ${open &&
      html`<div class="away" onClick=${() => setOpen(false)}></div>
        <div class="sheet" role="menu">
          <button type="button" role="menuitem" onClick=${act(() => change("language", { language: other[0] }))}><${Icon} name="globe" />${words.clientLanguage}: ${other[1]}</button>
          <button type="button" role="menuitem" onClick=${act(redeliver)}><${Icon} name="again" />${words.redeliver}</button>
          <button type="button" role="menuitem" onClick=${act(() => change("block", { blocked: !person.blocked }))}><${Icon} name="stop" />${person.blocked ? words.unblock : words.block}</button>
          <button type="button" role="menuitem" class="danger" onClick=${act(() => change("delete-chat"))}><${Icon} name="bin" />${words.deleteChat}</button>
        </div>`}
    </div>
  </header>`;
}

function Log({ person, messages, bot }) {
  const words = useWords();
  const language = useContext(Language);
  const box = useRef(null);
  const atBottom = useRef(true);
  const [away, setAway] = useState(false);
  const toBottom = () => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight; // a size may be told just after the chat was closed
  };
  const newest = messages.at(-1);
  useLayoutEffect(() => {
    if (newest?.mine) atBottom.current = true; // who writes wants to see the answer
  }, [newest?.id]);
  useLayoutEffect(() => {
    if (atBottom.current) toBottom();
    markSeen(person.id);
  }, [messages]);
  useEffect(() => {
    // Pictures and keyboards change the height after drawing; a chat that was at its end stays there.
    const watcher = new ResizeObserver(() => atBottom.current && toBottom());
    watcher.observe(box.current);
    watcher.observe(box.current.firstElementChild);
    return () => watcher.disconnect();
  }, []);
  const last = useRef({ scrollTop: 0, scrollHeight: 0 });
  const onScroll = (event) => {
    const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
    // Only a person going up leaves the end. Where the height changed, a message did: the watcher above follows it.
    if (scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM) atBottom.current = true;
    else if (scrollHeight === last.current.scrollHeight && scrollTop < last.current.scrollTop) atBottom.current = false;
    last.current = { scrollTop, scrollHeight };
    setAway(!atBottom.current);
  };
  let day = null;
  return html`<div class="wall">
    <div class="log" role="log" aria-live="polite" ref=${box} onScroll=${onScroll}>
      <div class="pile">
        ${messages.length === 0 && html`<${Welcome} person=${person} bot=${bot} />`}
        ${messages.map((message) => {
          const name = dayName(message.at, words, language);
          const separator = name !== day && html`<div class="day" key=${`day-${name}`}><span>${name}</span></div>`;
          day = name;
          return html`${separator}<${Message} key=${message.id} person=${person.id} message=${message} />`;
        })}
      </div>
    </div>
    ${away && html`<button type="button" class="to-bottom" aria-label=${words.newMessages} onClick=${toBottom}><${Icon} name="down" /></button>`}
  </div>`;
}

function Welcome({ person }) {
  const words = useWords();
  const local = useLocal();
  return html`<div class="welcome">
    <${Avatar} person=${person} />
    <b>${person.description || words.emptyTitle(person.name)}</b>
    <p>${local(person.note) || words.emptyHint}</p>
    ${person.suggestions.length > 0 &&
    html`<div class="try"><small>${words.tryThese}</small>
      ${person.suggestions.map((text) => html`<button type="button" onClick=${() => say(person.id, text, words)}>${text}</button>`)}
    </div>`}
  </div>`;
}

/** Something another person shared: a card on this phone, as a notification would show it. */
function Shared({ person, shared, words }) {
  if (!shared) return null;
  const from = getState().people.find((other) => other.id === shared.from);
  const close = () => update({ shares: { ...getState().shares, [person.id]: null } });
  const on = {
    link: (url) => {
      close();
      const link = readLink(url, getState().bot.username);
      if (link?.kind === "start") start(person.id, link.payload, words); // it was sent to this person: they open it
      else follow(person.id, url);
    },
    command: () => undefined,
  };
  return html`<aside class="shared">
    <${Avatar} person=${from} />
    <div><b>${words.sharedBy(from?.name ?? "")}</b><p>${rich(shared.text, [], on)}</p></div>
    <button type="button" class="tool" aria-label=${words.close} onClick=${close}><${Icon} name="close" /></button>
  </aside>`;
}
