/** `html` templates over preact, and the page's icons (drawn here: no icon font, no request). */
import { h } from "preact";
import htm from "htm";

export const html = htm.bind(h);

const PATHS = {
  menu: "M4 7h16M4 12h16M4 17h16",
  close: "M6 6l12 12M18 6L6 18",
  send: "M4 12l16-8-5 16-3.5-6.500zM11.5 13.500L20 4",
  attach: "M20 11.500l-8 8a5 5 0 0 1-7-7l8.5-8.500a3.4 3.4 0 0 1 4.8 4.800l-8.3 8.300a1.7 1.7 0 0 1-2.4-2.400l7.4-7.4",
  more: "M12 5.500v.01M12 12v.01M12 18.500v.01",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.400M17.6 17.600L19 19M19 5l-1.4 1.400M6.4 17.600L5 19",
  moon: "M20 14.500A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.500z",
  globe: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM3.5 9.500h17M3.5 14.500h17M12 3c-5 5-5 13 0 18M12 3c5 5 5 13 0 18",
  panel: "M4 5h16v14H4zM14.5 5v14M17 9h.5M17 12h.5",
  plus: "M12 5v14M5 12h14",
  calendar: "M5 6h14v14H5zM5 10.500h14M9 3.500v4M15 3.500v4",
  down: "M6 9.500l6 6 6-6",
  scan: "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M7 12h10",
  file: "M7 3h7l4 4v14H7zM14 3v4h4",
  link: "M9 15l6-6M11 7l2-2a4 4 0 0 1 6 6l-2 2M13 17l-2 2a4 4 0 0 1-6-6l2-2",
  copy: "M9 9h10v11H9zM15 9V4H5v11h4",
  share: "M4 12v8h16v-8M12 15V4M8 8l4-4 4 4",
  keyboard: "M3 7h18v11H3zM6.5 10.500h.01M10 10.500h.01M13.5 10.500h.01M17 10.500h.01M8 14.500h8",
  window: "M4 5h16v14H4zM4 9h16",
  again: "M5 12a7 7 0 1 0 2.2-5.100M7 3v4h4",
  stop: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM6.5 6.500l11 11",
  bin: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10 11v5M14 11v5",
  bolt: "M13 3L5 14h6l-1 7 8-11h-6z",
  phone: "M6 3h4l1.5 5-2.5 1.500a12 12 0 0 0 5.5 5.500L16 12.500l5 1.500v4a2 2 0 0 1-2 2C11 20 4 13 4 5a2 2 0 0 1 2-2z",
};

/** One line-drawn icon, sized by the text around it. */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d=${PATHS[name]} /></svg>`;
}
