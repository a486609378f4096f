// Lists the visible texts whose contrast against what is behind them is below 4.5:1 (3:1 when large), in the sense of WCAG 2.2.
// Of a gradient every color counts. Evaluates to a list of lines.
(() => {
  const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = color;
    pen.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
    return { r, g, b, a: a / 255 };
  };
  const over = (top, below) => ({ r: top.r * top.a + below.r * (1 - top.a), g: top.g * top.a + below.g * (1 - top.a), b: top.b * top.a + below.b * (1 - top.a), a: 1 });
  const channel = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  const light = (c) => 0.2126 * channel(c.r) + 0.7152 * channel(c.g) + 0.0722 * channel(c.b);
  const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  const stops = (style) => (style.backgroundImage.match(/(?:rgba?|color|oklab|oklch|hsla?)\([^()]*\)/g) || []).map(rgba);

  /** All colors that may be behind an element, the page's first. */
  function behind(node) {
    let all = [rgba(getComputedStyle(document.body).backgroundColor)];
    const line = [];
    for (let n = node; n && n !== document.documentElement; n = n.parentElement) line.unshift(n);
    for (const n of line) {
      const style = getComputedStyle(n), own = [rgba(style.backgroundColor)], drawn = stops(style);
      const layer = drawn.length ? drawn : own;
      all = layer.flatMap((top) => all.map((below) => over(top, below)));
    }
    return all;
  }
  function opacity(node) {
    let o = 1;
    for (let n = node; n; n = n.parentElement) o *= Number(getComputedStyle(n).opacity);
    return o;
  }
  const found = new Set();
  for (const node of document.querySelectorAll("body *")) {
    const words = [...node.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).join(" ").trim();
    if (!words || !node.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || node.closest(".sr, .skip, noscript, option")) continue;
    const style = getComputedStyle(node), size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const ink = rgba(style.color);
    ink.a *= opacity(node);
    for (const ground of behind(node)) {
      const r = ratio(over(ink, ground), ground);
      if (r < (large ? 3 : 4.5)) found.add(`${r.toFixed(2)} ${node.tagName.toLowerCase()}.${node.className} “${words.slice(0, 30)}”`);
    }
  }
  return [...found];
})()
