/** Times and dates as the page shows them, in the reader's own time zone. */

const pad = (number) => String(number).padStart(2, "0");

/** "18:42" from unix seconds. */
export function clockTime(seconds) {
  const moment = new Date(seconds * 1000);
  return `${pad(moment.getHours())}:${pad(moment.getMinutes())}`;
}

/** The day of a message, as a chat's separator says it. `now` in ms. */
export function dayName(seconds, words, language, now = Date.now()) {
  const days = Math.round((midnight(now) - midnight(seconds * 1000)) / 86_400_000);
  if (days === 0) return words.today;
  if (days === 1) return words.yesterday;
  const moment = new Date(seconds * 1000);
  const year = moment.getFullYear() === new Date(now).getFullYear() ? {} : { year: "numeric" };
  return moment.toLocaleDateString(language === "zh" ? "zh-CN" : "en-GB", { ...year, month: "long", day: "numeric" });
}

export function midnight(ms) {
  const day = new Date(ms);
  day.setHours(0, 0, 0, 0);
  return day.getTime();
}

/** "2026年11月22日 周日" / "Sun, 22 Nov 2026" from an ISO date; no time zone is involved. */
export function dateName(iso, words, language) {
  const [year, month, day] = iso.split("-").map(Number);
  const weekday = words.weekdays[new Date(Date.UTC(year, month - 1, day)).getUTCDay()];
  if (language === "zh") return `${year}年${month}月${day}日 ${weekday}`;
  const short = new Date(Date.UTC(year, month - 1, day)).toLocaleDateString("en-GB", { month: "short", timeZone: "UTC" });
  return `${weekday}, ${day} ${short} ${year}`;
}

/** The ISO date `days` after an ISO date. */
export function addDays(iso, days) {
  const moment = new Date(`${iso}T00:00:00Z`);
  moment.setUTCDate(moment.getUTCDate() + days);
  return moment.toISOString().slice(0, 10);
}
