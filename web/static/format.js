// Spelling values and times for people. The same everywhere, whatever the browser's language: the page is in English, a decimal
// point and a clock of 24 hours are read by all, and it agrees with what the programs and the API say.

const zone = (() => {
  const name = document.body.dataset.timeZone;
  if (!name || name === "Local") return undefined;
  try {
    new Intl.DateTimeFormat(undefined, { timeZone: name });
    return name;
  } catch {
    return undefined;
  }
})();

const LOCALE = "en-GB";
const THIN = "\u202f"; // a narrow space that does not break
const clock = new Intl.DateTimeFormat(LOCALE, { hour: "2-digit", minute: "2-digit", timeZone: zone });
const dayClock = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone: zone });
const dayOf = new Intl.DateTimeFormat("sv", { timeZone: zone });

/** 14:02, or 12 Nov, 14:02 on another day. */
export function moment(time) {
  const t = new Date(time);
  return dayOf.format(t) === dayOf.format(new Date()) ? clock.format(t) : dayClock.format(t);
}

/** just now, 3 min ago, then the clock. */
export function ago(time) {
  if (!time) return "never";
  const s = (Date.now() - new Date(time)) / 1000;
  if (s < 45) return "just now";
  if (s < 3600) return Math.max(1, Math.round(s / 60)) + " min ago";
  if (s < 12 * 3600) return Math.round(s / 3600) + " h ago";
  return moment(time);
}

/** 45 s, 12 min, 1 h 05 min, 3 days. */
export function duration(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return s + " s";
  const m = Math.round(s / 60);
  if (m < 60) return m + " min";
  if (m < 48 * 60) return Math.floor(m / 60) + " h" + (m % 60 ? " " + String(m % 60).padStart(2, "0") + " min" : "");
  return Math.round(m / 1440) + " days";
}

/** Makes target_temperature, ApparentPower or "fan-only" readable: Fan only. */
export function words(id) {
  const s = String(id).replace(/[_-]+/g, " ").replace(/(\p{Ll})(\p{Lu}\p{Ll})/gu, (_, a, b) => a + " " + b.toLowerCase()).trim();
  return (s.charAt(0).toUpperCase() + s.slice(1)).replace(/\b(mqtt|ip|wi-?fi|co2|led|usb|id)\b/gi, (w) => spelt[w.toLowerCase()]);
}

/** A reason, such as the hub gives them, with a capital letter. */
export const sentence = (reason) => (reason ? reason.charAt(0).toUpperCase() + reason.slice(1) : "");

const spelt = { mqtt: "MQTT", ip: "IP", wifi: "Wi-Fi", "wi-fi": "Wi-Fi", co2: "CO₂", led: "LED", usb: "USB", id: "ID" };

// Decimal places by unit; always as many, so that a value that changes keeps its width.
const digits = { "°C": 1, "°F": 1, "%": 0, K: 0, W: 0, kWh: 1, Wh: 0, V: 0, A: 2, lx: 0, ppm: 0, hPa: 0, dBm: 0, dB: 0, "µg/m³": 0, "m/s": 1, "km/h": 0, mm: 1, "m³": 2 };
const seconds = { s: 1, min: 60, h: 3600, d: 86400 };
const formats = new Map();

function numeral(value, places, fixed) {
  const key = places + (fixed ? "f" : "");
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(LOCALE, { maximumFractionDigits: places, minimumFractionDigits: fixed ? places : 0, useGrouping: "min2", signDisplay: "negative" }));
  return formats.get(key).format(value).replaceAll(",", THIN).replace("-", "\u2212");
}

/** A number with its unit as {value, unit}. */
export function quantity(p, value) {
  const unit = p.unit || "";
  if (seconds[unit] && (p.class === "duration" || /remain|duration|elapsed|uptime|time/.test(p.id))) return { value: duration(value * seconds[unit]), unit: "" };
  if (unit === "K" && Math.abs(value) >= 1000) return { value: numeral(Math.round(value / 10) * 10, 0), unit }; // a lamp's white
  let places = digits[unit] ?? 2;
  if (unit === "V" && Math.abs(value) < 60) places = 2; // a battery's
  if (unit === "kWh" && Math.abs(value) < 10) places = 2;
  if (unit === "W" && value !== 0 && Math.abs(value) < 10) places = 1;
  if (p.step && p.step < 1 && places === 0 && unit !== "%" && unit !== "W") places = 1;
  return { value: numeral(value, places, unit in digits), unit };
}

/** What people call a color, from its hue (0 to 360) and saturation (0 to 100). */
export function colorName({ hue, saturation }) {
  if (saturation < 10) return "White";
  const at = [[14, "Red"], [38, "Orange"], [66, "Yellow"], [90, "Lime"], [150, "Green"], [195, "Cyan"], [250, "Blue"], [285, "Violet"], [325, "Magenta"], [345, "Pink"], [361, "Red"]];
  return at.find(([end]) => ((hue % 360) + 360) % 360 < end)[1];
}

/** What true and false mean, by device class. */
const meanings = {
  battery: ["OK", "Low"], battery_charging: ["Not charging", "Charging"], carbon_monoxide: ["Clear", "Detected"], cold: ["Normal", "Cold"],
  connectivity: ["Disconnected", "Connected"], door: ["Closed", "Open"], garage_door: ["Closed", "Open"], gas: ["Clear", "Detected"],
  heat: ["Normal", "Hot"], light: ["Dark", "Light"], lock: ["Locked", "Unlocked"], moisture: ["Dry", "Wet"], motion: ["No motion", "Motion"],
  moving: ["Still", "Moving"], occupancy: ["Empty", "Occupied"], opening: ["Closed", "Open"], plug: ["Unplugged", "Plugged in"],
  power: ["Off", "On"], presence: ["Away", "Home"], problem: ["OK", "Problem"], running: ["Stopped", "Running"], safety: ["Safe", "Unsafe"],
  smoke: ["Clear", "Smoke"], sound: ["Quiet", "Sound"], tamper: ["OK", "Tampered"], update: ["Up to date", "Update available"],
  vibration: ["Still", "Vibration"], window: ["Closed", "Open"],
};

const alarms = new Set(["smoke", "gas", "carbon_monoxide", "moisture", "safety", "problem", "tamper", "heat", "cold", "battery"]);

/** Says whether a value is something to worry about. */
export const alarming = (p, value) => value === true && alarms.has(p.class || p.id);

/** A property's value as {value, unit}; a dash when there is none. */
export function parts(p, value) {
  if (value === undefined || value === null) return { value: "–", unit: "" };
  switch (p.datatype) {
    case "bool": {
      if (p.momentary) return { value: "Pressed", unit: "" };
      const pair = meanings[p.class] || meanings[p.id] || (p.settable || p.id === "on" ? ["Off", "On"] : ["No", "Yes"]);
      return { value: pair[value ? 1 : 0], unit: "" };
    }
    case "int":
    case "float":
      return typeof value === "number" ? quantity(p, value) : { value: String(value), unit: p.unit || "" };
    case "enum":
      return { value: words(value), unit: "" };
    case "color":
      return { value: colorName(value), unit: "" };
    case "json":
      return { value: JSON.stringify(value), unit: "" };
    default: {
      if (p.class === "timestamp" && !Number.isNaN(Date.parse(value))) return { value: moment(value), unit: "" };
      return { value: String(value) || "–", unit: "" };
    }
  }
}

/** A property's value in one piece: 21.5 °C. */
export function spell(p, value) {
  const { value: v, unit } = parts(p, value);
  return unit ? v + THIN + unit : v;
}
