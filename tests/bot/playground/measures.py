"""What a test measures inside the page; JavaScript for `page.evaluate`."""

NAMELESS = """() => {
  const named = (e) => e.getAttribute("aria-label") || e.innerText?.trim() || e.labels?.length;
  return [...document.querySelectorAll("button, a, input:not([hidden]), select, textarea")]
    .filter((e) => !named(e))
    .map((e) => e.outerHTML.slice(0, 120));
}"""

WORD_SHAPES = """async () => {
  const { WORDS } = await import("words");
  const shape = (value) => {
    if (Array.isArray(value)) return value.length;
    if (typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, shape(v)]));
    return typeof value === "function" ? value.length : value.trim() !== "";
  };
  const chinese = Object.entries(WORDS.en).filter(([, v]) => typeof v === "string" && /[\\u4e00-\\u9fff]/.test(v));
  return { zh: shape(WORDS.zh), en: shape(WORDS.en), chinese: chinese.map(([k]) => k) };
}"""

# Contrast by WCAG 2: text against the nearest plain background above it.
CONTRAST = """(selectors) => {
  const rgb = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const linear = (v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ground = (e) => {
    const color = getComputedStyle(e).backgroundColor;
    return /^rgb\\(/.test(color) ? rgb(color) : ground(e.parentElement);
  };
  const ratio = (e) => {
    const [high, low] = [light(rgb(getComputedStyle(e).color)), light(ground(e))].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  return Object.fromEntries(selectors.map((s) => [s, ratio(document.querySelector(s))]));
}"""
