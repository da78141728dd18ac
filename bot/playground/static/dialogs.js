/** What the page asks in the middle of things: who opens, who scans, with whom to share, and a picture in full size. */
import { useEffect, useRef, useState } from "preact/hooks";
import { attempt, copy, share, start, useCode } from "acts";
import { post } from "api";
import { html, Icon } from "html";
import { Avatar } from "people";
import { readCode } from "scan";
import { closeDialog, useStore } from "store";
import { useLocal, useWords } from "words";

/** @param onShow called with a person's id when that person's chat should come into view. */
export function Dialogs({ onShow }) {
  const { dialog } = useStore();
  const Body = dialog && BODIES[dialog.kind];
  return Body ? html`<${Modal} key=${dialog.kind} wide=${dialog.kind === "picture"}><${Body} ...${dialog} onShow=${onShow} /><//>` : null;
}

function Modal({ children, wide }) {
  const box = useRef(null);
  useEffect(() => {
    const dialog = box.current;
    dialog.showModal();
    return () => dialog.close();
  }, []);
  const onClick = (event) => event.target === box.current && closeDialog();
  return html`<dialog ref=${box} class=${wide ? "wide" : ""} onClick=${onClick} onCancel=${closeDialog}>${children}</dialog>`;
}

/** A list of people to choose from; `first` stands at the top. */
function Pick({ title, hint, first, without, onPick }) {
  const { people } = useStore();
  const words = useWords();
  const local = useLocal();
  const listed = people.filter((one) => one.id !== without).sort((a, b) => (b.id === first) - (a.id === first));
  return html`<div class="ask">
    <h2>${title}</h2>
    ${hint && html`<p class="hint">${hint}</p>`}
    <div class="picks">
      ${listed.map(
        (one) =>
          html`<button type="button" class="person" onClick=${() => onPick(one.id)}>
            <span class="face"><${Avatar} person=${one} /></span><span class="words"><b>${one.name}</b><small>${local(one.role)}</small></span>
          </button>`,
      )}
    </div>
    <button type="button" class="quiet" onClick=${closeDialog}>${words.cancel}</button>
  </div>`;
}

function OpenAs({ person, payload, onShow }) {
  const words = useWords();
  const pick = (id) => {
    closeDialog();
    onShow(id);
    start(id, payload, words);
  };
  return html`<${Pick} title=${words.openAs} hint=${payload && `start=${payload}`} first=${person} onPick=${pick} />`;
}

function ShareWith({ person, text, onShow }) {
  const words = useWords();
  const pick = (id) => {
    onShow(id);
    share(person, id, text);
  };
  return html`<${Pick} title=${words.shareWith} hint=${text} without=${person} onPick=${pick} />`;
}

function Picture({ person, message, onShow }) {
  const words = useWords();
  const image = useRef(null);
  const [code, setCode] = useState(undefined); // undefined: not read yet; null: none found
  const [busy, setBusy] = useState(false);
  const scan = async () => {
    setBusy(true);
    setCode(await readCode(image.current));
    setBusy(false);
  };
  const pick = (id) => {
    closeDialog();
    onShow(id);
    useCode(id, code, words);
  };
  if (code) return html`<${Pick} title=${words.whoScans} hint=${code} without=${person} onPick=${pick} />`;
  return html`<figure class="lightbox">
    <img ref=${image} src=${message.photo.src} alt=${message.text || words.picture} />
    ${code === null && html`<p class="hint" role="status">${words.noCode}</p>`}
    <figcaption>
      <button type="button" class="solid" disabled=${busy} onClick=${scan}><${Icon} name="scan" />${busy ? words.reading : words.scan}</button>
      <a class="quiet" href=${message.photo.src} download>${words.download}</a>
      <button type="button" class="quiet" onClick=${closeDialog}>${words.close}</button>
    </figcaption>
  </figure>`;
}

function Outside({ url, miniApp, person }) {
  const words = useWords();
  const take = () => {
    closeDialog();
    copy(person, url, words);
  };
  return html`<div class="ask">
    <h2>${miniApp ? words.miniApp : words.openLink}</h2>
    <p class="address">${url}</p>
    ${!miniApp && html`<p class="hint">${words.outsideLink}</p>`}
    <div class="answers">
      ${!miniApp && html`<a class="solid" href=${url} target="_blank" rel="noopener noreferrer" onClick=${closeDialog}>${words.open}</a>`}
      <button type="button" class="quiet" onClick=${take}>${words.copyText}</button>
      <button type="button" class="quiet" onClick=${closeDialog}>${words.cancel}</button>
    </div>
  </div>`;
}

function MessageMenu({ person, message }) {
  const words = useWords();
  const take = () => {
    closeDialog();
    copy(person, message.text, words);
  };
  const again = () => {
    closeDialog();
    attempt(person, words, () => post(`people/${person}/redeliver`));
  };
  return html`<div class="ask list">
    ${message.text && html`<button type="button" onClick=${take}><${Icon} name="copy" />${words.copyText}</button>`}
    ${message.mine && html`<button type="button" onClick=${again}><${Icon} name="again" />${words.redeliver}</button>`}
    <button type="button" onClick=${closeDialog}><${Icon} name="close" />${words.cancel}</button>
  </div>`;
}

function Contact({ person }) {
  const words = useWords();
  const send = () => {
    closeDialog();
    attempt(person, words, () => post(`people/${person}/contact`));
  };
  return html`<div class="ask">
    <h2>${words.shareContact}</h2>
    <div class="answers">
      <button type="button" class="solid" onClick=${send}>${words.share}</button>
      <button type="button" class="quiet" onClick=${closeDialog}>${words.cancel}</button>
    </div>
  </div>`;
}

function AddPerson({ onShow }) {
  const words = useWords();
  const [name, setName] = useState("");
  const [language, setLanguage] = useState("zh-hans");
  const add = async (event) => {
    event.preventDefault();
    const done = await attempt("page", words, () => post("people", { name, language }));
    if (!done) return;
    closeDialog();
    onShow(done.person.id);
  };
  return html`<form class="ask" onSubmit=${add}>
    <h2>${words.addPerson}</h2>
    <label>${words.personName}<input required maxlength="64" autofocus value=${name} onInput=${(event) => setName(event.target.value)} /></label>
    <label
      >${words.personLanguage}
      <select value=${language} onChange=${(event) => setLanguage(event.target.value)}>
        <option value="zh-hans">中文</option>
        <option value="en">English</option>
      </select>
    </label>
    <div class="answers">
      <button type="submit" class="solid" disabled=${!name.trim()}>${words.add}</button>
      <button type="button" class="quiet" onClick=${closeDialog}>${words.cancel}</button>
    </div>
  </form>`;
}

const BODIES = {
  openAs: OpenAs,
  shareWith: ShareWith,
  picture: Picture,
  outside: Outside,
  message: MessageMenu,
  contact: Contact,
  addPerson: AddPerson,
};
