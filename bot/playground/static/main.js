/** The page: top bar, people, the open chats side by side, and backstage. */
import { render } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Clock } from "clock";
import { Dialogs } from "dialogs";
import { html, Icon } from "html";
import { Panel } from "panel";
import { PeopleBar } from "people";
import { Phone } from "phone";
import { connect, memory, useStore } from "store";
import { Language, preferredLanguage, useWords, WORDS } from "words";

const PHONE_WIDTH_MIN = 350;
const PHONES_MAX = 3;

function App() {
  const [language, setLanguage] = useState(() => preferredLanguage(memory.get("language"), navigator.languages));
  useEffect(connect, []);
  useEffect(() => {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    document.title = WORDS[language].title;
  }, [language]);
  const toggle = () => {
    const next = language === "zh" ? "en" : "zh";
    memory.set("language", next);
    setLanguage(next);
  };
  return html`<${Language.Provider} value=${language}><${Page} onLanguage=${toggle} /><//>`;
}

/** How many phones fit beside each other in the stage. */
function useColumns(stage) {
  const [columns, setColumns] = useState(1);
  useLayoutEffect(() => {
    const measure = () => setColumns(Math.max(1, Math.min(PHONES_MAX, Math.floor(stage.current.clientWidth / PHONE_WIDTH_MIN))));
    const watcher = new ResizeObserver(measure);
    watcher.observe(stage.current);
    measure();
    return () => watcher.disconnect();
  }, []);
  return columns;
}

function Page({ onLanguage }) {
  const words = useWords();
  const { people, online, toasts } = useStore();
  const stage = useRef(null);
  const columns = useColumns(stage);
  const [recent, setRecent] = useState([]); // ids, most recently turned to first
  const [panel, setPanel] = useState(() => memory.get("panel") === "open");

  const known = people.map((person) => person.id);
  const order = [...recent.filter((id) => known.includes(id)), ...known.filter((id) => !recent.includes(id))];
  const open = order.slice(0, columns);
  const shown = people.filter((person) => open.includes(person.id)); // kept in the bar's order, so phones do not jump about
  const turnTo = (id) => setRecent((ids) => (ids[0] === id ? ids : [id, ...ids.filter((other) => other !== id)]));
  const togglePanel = () => {
    memory.set("panel", panel ? "closed" : "open");
    setPanel(!panel);
  };

  return html`<div class=${`page ${panel ? "with-panel" : ""}`} data-ready=${online !== null}>
    <header class="top">
      <img class="logo" src="static/favicon.svg" alt="" width="30" height="30" />
      <h1>${words.title}<small>${words.tagline}</small></h1>
      <${Clock} />
      <span class="space"></span>
      <button type="button" class="tool text" aria-label=${words.pageLanguageLabel} onClick=${onLanguage}><${Icon} name="globe" /><span>${words.pageLanguage}</span></button>
      <${Theme} />
      <button type="button" class="tool text" aria-label=${words.panel} aria-pressed=${panel} onClick=${togglePanel}><${Icon} name="panel" /><span>${words.panel}</span></button>
    </header>
    <${PeopleBar} open=${open} onChoose=${turnTo} />
    <main class="stage" ref=${stage}>
      ${shown.map((person) => html`<${Phone} key=${person.id} person=${person} onTurn=${() => turnTo(person.id)} />`)}
      ${online === null && html`<p class="connecting">${words.connecting}</p>`}
    </main>
    ${panel && html`<${Panel} onClose=${togglePanel} />`}
    ${online === false && html`<div class="offline" role="status">${words.reconnecting}</div>`}
    ${toasts.page && html`<div class="toast page-toast" role="status" key=${toasts.page.key}>${toasts.page.text}</div>`}
    <${Dialogs} onShow=${turnTo} />
  </div>`;
}

function Theme() {
  const words = useWords();
  const [, redraw] = useState(0);
  useEffect(() => {
    const night = matchMedia("(prefers-color-scheme: dark)");
    const follow = () => redraw((n) => n + 1); // boot.js has set the theme by then: it listens since before
    night.addEventListener("change", follow);
    return () => night.removeEventListener("change", follow);
  }, []);
  const isDark = () => document.documentElement.dataset.theme === "dark";
  const toggle = () => {
    const next = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    memory.set("theme", next);
    redraw((n) => n + 1);
  };
  return html`<button type="button" class="tool" aria-label=${words.theme} onClick=${toggle}><${Icon} name=${isDark() ? "sun" : "moon"} /></button>`;
}

render(html`<${App} />`, document.getElementById("root"));
