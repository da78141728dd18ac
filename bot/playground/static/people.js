/** The people bar: who is there, whose chat is open, who has something new. */
import { html, Icon } from "html";
import { ask, unread, useStore } from "store";
import { useLocal, useWords } from "words";

const TINTS = ["#e17076", "#7bc862", "#65aadd", "#a695e7", "#ee7aae", "#6ec9cb", "#faa774"];
const DEEPER = ["#c9545b", "#4fa63a", "#3f88c5", "#7d68cf", "#d0508d", "#3ea5a8", "#de7f3f"];

export function Avatar({ person }) {
  if (!person) return null;
  const tint = Math.abs(person.id) % TINTS.length;
  const background = `linear-gradient(160deg, ${TINTS[tint]}, ${DEEPER[tint]})`;
  return html`<span class="avatar" style=${{ background }} aria-hidden="true">${[...person.name][0] ?? "?"}</span>`;
}

export function PeopleBar({ open, onChoose }) {
  const { people } = useStore();
  const words = useWords();
  const local = useLocal();
  return html`<nav class="people" aria-label=${words.people}>
    ${people.map((person) => {
      const fresh = open.includes(person.id) ? 0 : unread(person.id);
      return html`<button
        type="button"
        key=${person.id}
        class="person"
        aria-pressed=${open.includes(person.id)}
        title=${local(person.note)}
        onClick=${() => onChoose(person.id)}
      >
        <span class="face"><${Avatar} person=${person} />${fresh > 0 && html`<span class="badge">${fresh > 99 ? "99+" : fresh}</span>`}</span>
        <span class="words"><b>${person.name}</b><small>${local(person.role)}</small></span>
        <span class="tag">${person.language.startsWith("zh") ? "中" : person.language.slice(0, 2).toUpperCase()}</span>
      </button>`;
    })}
    <button type="button" class="person add" aria-label=${words.addPerson} onClick=${() => ask({ kind: "addPerson" })}>
      <span class="face"><span class="avatar plus"><${Icon} name="plus" /></span></span>
      <span class="words"><b>${words.addPerson}</b></span>
    </button>
  </nav>`;
}
