/** What a person does in their chat, and what following a link means. Failures become a toast over the chat. */
import { ApiError, post, postFile } from "api";
import { readLink } from "links";
import { ask, closeDialog, getState, setDraft, toast, update } from "store";

const PICTURE_SIDE_MAX = 1280;

/** Runs a request for one person; says what went wrong where that person looks. Resolves to null on failure. */
export async function attempt(where, words, work) {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    toast(where, words.errors[error.code] ?? words.errors.other);
    return null;
  }
}

export const say = (person, text, words) => attempt(person, words, () => post(`people/${person}/say`, { text }));

/** Sends a picture as Telegram does, as a JPEG of moderate size, and anything else as the file that it is. */
export const sendFile = (person, file, caption, words) =>
  attempt(person, words, async () => {
    const query = new URLSearchParams({ caption });
    if (file.type.startsWith("image/")) return postFile(`people/${person}/photo?${query}`, await toJpeg(file));
    query.set("name", file.name);
    return postFile(`people/${person}/document?${query}`, file);
  });

async function toJpeg(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new ApiError("not_a_picture");
  }
  const scale = Math.min(1, PICTURE_SIDE_MAX / Math.max(bitmap.width, bitmap.height));
  const canvas = new OffscreenCanvas(Math.max(1, Math.round(bitmap.width * scale)), Math.max(1, Math.round(bitmap.height * scale)));
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#ffffff"; // JPEG knows no transparency
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas.convertToBlob({ type: "image/jpeg", quality: 0.88 });
}

/** Presses a callback button and shows the bot's answer as a toast or, when it asks for one, an alert. */
export async function tap(person, message, data, words) {
  const done = await attempt(person, words, () => post(`people/${person}/tap`, { message, data }));
  const answer = done?.answer;
  if (answer?.url) follow(person, answer.url);
  if (!answer?.text) return;
  if (answer.alert) ask({ kind: "alert", person, text: answer.text });
  else toast(person, answer.text);
}

/** Pays an invoice; says why where the bot does not let it be paid. */
export async function pay(person, message, words) {
  const done = await attempt(person, words, () => post(`people/${person}/pay`, { message }));
  if (done?.error) toast(person, done.error);
}

/** Asks the bot what it offers to send to another chat, as after its name there, and whom the first of it goes to. */
export async function passOn(person, said, words) {
  const done = await attempt(person, words, () => post(`people/${person}/inline`, { said }));
  if (!done) return;
  const [first] = done.choices;
  if (first) ask({ kind: "shareWith", person, text: [first.text, ...first.links].join("\n") });
  else toast(person, done.instead);
}

/** Follows a link seen in one person's chat. */
export function follow(person, url) {
  const link = readLink(url, getState().bot.username);
  if (link?.kind === "start") ask({ kind: "openAs", person, payload: link.payload });
  else if (link?.kind === "share") ask({ kind: "shareWith", person, text: link.text });
  else if (link) ask({ kind: "outside", person, url: link.url });
}

/** Opens the bot by a deep link as `person`, who then sees that chat. */
export function start(person, payload, words) {
  return say(person, payload ? `/start ${payload}` : "/start", words);
}

/** What a scanned code does in the scanner's hands: a link of the bot opens, anything else is typed and said. */
export function useCode(scanner, code, words) {
  const link = readLink(code, getState().bot.username);
  const isLink = /^(https?|tg):/i.test(code) || /^t\.me\//i.test(code);
  if (isLink && link?.kind === "start") return start(scanner, link.payload, words);
  if (isLink && link?.kind === "outside") return ask({ kind: "outside", person: scanner, url: link.url });
  return say(scanner, code, words);
}

/** Leaves a shared text on another person's screen, where its links can be opened. */
export function share(from, to, text) {
  update({ shares: { ...getState().shares, [to]: { from, text } } });
  closeDialog();
}

export async function copy(person, text, words) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    setDraft(person, text); // no clipboard allowed: at least it is at hand, in the input
  }
  toast(person, words.copied);
}
