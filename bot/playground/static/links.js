/** What a link means here: a deep link to the bot, something to share, or a way out of the playground. */

/**
 * @param {string} url as the bot wrote it
 * @param {string} username the bot's
 * @returns {{kind: "start", payload: string} | {kind: "share", text: string} | {kind: "outside", url: string} | null}
 *   null when it is no address that may be opened.
 */
export function readLink(url, username) {
  let parsed;
  try {
    parsed = new URL(/^[a-z][a-z0-9+.-]*:/i.test(url) ? url : `https://${url}`);
  } catch {
    return null;
  }
  const query = parsed.searchParams;
  if (parsed.protocol === "tg:") {
    if (parsed.host === "resolve" && same(query.get("domain"), username)) return { kind: "start", payload: query.get("start") ?? "" };
    if (parsed.host === "msg_url") return { kind: "share", text: shareText(query) };
    return null;
  }
  if (parsed.protocol !== "https:" && parsed.protocol !== "http:") return null;
  if (/^(t|telegram)\.me$/i.test(parsed.hostname)) {
    const path = parsed.pathname.split("/").filter(Boolean);
    if (path[0] === "share" && path[1] === "url") return { kind: "share", text: shareText(query) };
    if (path.length === 1 && same(path[0], username)) return { kind: "start", payload: query.get("start") ?? "" };
  }
  return { kind: "outside", url: parsed.href };
}

const same = (a, b) => (a ?? "").toLowerCase() === (b ?? "").toLowerCase();
const shareText = (query) => [query.get("text"), query.get("url")].filter(Boolean).join("\n");
