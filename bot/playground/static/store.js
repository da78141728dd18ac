/**
 * What the page knows: the server's picture of the world, kept current by the event stream, and what is open on screen.
 *
 * The stream sends a whole `snapshot` first, and again whenever this page fell behind or reconnected; between snapshots it
 * sends changes. Changes replace objects and never alter them, so a component can compare by identity.
 */
import { useEffect, useState } from "preact/hooks";

const CALLS_MAX = 400;

let state = {
  online: null, // null until the first snapshot, then whether the stream is connected
  bot: { name: "", username: "" },
  clock: null, // {date: "2026-11-22"}
  people: [], // {id, name, language, role, note, suggestions, blocked, commands, description}
  chats: {}, // person id → messages, oldest first
  calls: [], // newest last
  faults: [], // {id, kind, method, person, left, seconds}
  typing: {}, // person id → unix ms until which the bot is "typing"
  seen: {}, // person id → id of the newest message looked at
  drafts: {}, // person id → text in the input
  shares: {}, // person id → something another person shared with them
  toasts: {}, // person id (or "page") → {text, key}
  dialog: null, // {kind, …}: the one thing asked right now
};
const listeners = new Set();

export const getState = () => state;

/** Replaces parts of the state and redraws. */
export function update(changes) {
  state = { ...state, ...changes };
  for (const listener of [...listeners]) listener(state);
}

/** The state; the component redraws whenever it changes. */
export function useStore() {
  const [, redraw] = useState(state);
  useEffect(() => {
    listeners.add(redraw);
    redraw(state); // something may have changed between the first drawing and this effect
    return () => listeners.delete(redraw);
  }, []);
  return state;
}

const byId = (messages) => [...messages].sort((a, b) => a.id - b.id);

function takeMessages(chat, changed, gone) {
  const gonePlus = new Set([...gone, ...changed.map((message) => message.id)]);
  const kept = (state.chats[chat] ?? []).filter((message) => !gonePlus.has(message.id));
  const typing = changed.some((message) => !message.mine) ? { ...state.typing, [chat]: 0 } : state.typing;
  update({ chats: { ...state.chats, [chat]: byId([...kept, ...changed]) }, typing });
}

function takeCall(call) {
  const typing = call.method === "sendChatAction" && call.person != null ? { ...state.typing, [call.person]: Date.now() + 5000 } : state.typing;
  update({ calls: [...state.calls.slice(1 - CALLS_MAX), call], typing });
}

const TAKE = {
  snapshot: ({ type, ...world }) => update({ ...world, online: true }),
  messages: ({ chat, changed, gone }) => takeMessages(chat, changed, gone),
  person: ({ person }) => {
    const known = state.people.some((other) => other.id === person.id);
    update({ people: known ? state.people.map((other) => (other.id === person.id ? person : other)) : [...state.people, person] });
  },
  bot: ({ bot }) => update({ bot }),
  clock: ({ clock }) => update({ clock }),
  faults: ({ faults }) => update({ faults }),
  call: ({ call }) => takeCall(call),
};

/** Opens the event stream; the browser reconnects by itself and then gets a new snapshot. */
export function connect() {
  const stream = new EventSource("api/events");
  stream.onmessage = (event) => {
    const change = JSON.parse(event.data);
    TAKE[change.type]?.(change);
  };
  stream.onerror = () => update({ online: state.online === null ? null : false });
  return () => stream.close();
}

/** Shows a short text over one person's chat (or over the page) for a moment. */
export function toast(where, text) {
  const key = Math.random();
  update({ toasts: { ...state.toasts, [where]: { text, key } } });
  setTimeout(() => {
    if (state.toasts[where]?.key === key) update({ toasts: { ...state.toasts, [where]: null } });
  }, 3500);
}

export const ask = (dialog) => update({ dialog });
export const closeDialog = () => update({ dialog: null });
export const setDraft = (person, text) => update({ drafts: { ...state.drafts, [person]: text } });

/** Marks a chat as looked at, up to its newest message. */
export function markSeen(person) {
  const newest = state.chats[person]?.at(-1)?.id ?? 0;
  if ((state.seen[person] ?? 0) < newest) update({ seen: { ...state.seen, [person]: newest } });
}

/** How many of the bot's messages this person has not looked at. */
export function unread(person) {
  const seen = state.seen[person] ?? 0;
  return (state.chats[person] ?? []).filter((message) => !message.mine && message.id > seen).length;
}

/** Reads and writes a small preference (text) of this browser; works without storage too. */
export const memory = {
  get(name) {
    try {
      return localStorage.getItem(`playground.${name}`);
    } catch {
      return null;
    }
  },
  set(name, value) {
    try {
      localStorage.setItem(`playground.${name}`, value);
    } catch {
      /* Private windows may refuse; the choice then lasts as long as the page. */
    }
  },
};
