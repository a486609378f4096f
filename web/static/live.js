// The stream of events: opened again whenever it breaks, and closed while nobody looks, since a browser has few
// connections to one machine.

const AWAY = 30_000; // ms that a hidden page keeps its stream

/**
 * Follows the hub's events. @param on has state(name) with live, reconnecting or paused; reset(), which loads everything anew
 * and returns a promise; and event(name, data). Events that come during a reset wait for its end.
 */
export function follow(on) {
  let source = null;
  let last = "";
  let tries = 0;
  let timer = 0;
  let waiting = null; // the events that came during a reset

  function open() {
    clearTimeout(timer);
    source?.close();
    source = new EventSource("/api/v1/events" + (last ? "?after=" + encodeURIComponent(last) : ""));
    source.onopen = () => { tries = 0; on.state("live"); };
    source.onerror = () => {
      on.state("reconnecting");
      if (source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself, with the last id
      source.close();
      // Why it was closed only an ordinary request tells; one that is refused leads to the login page.
      fetch("/api/v1/session").then((r) => { if (r.status === 401) location.assign("/login"); }, () => {});
      timer = setTimeout(open, Math.min(15_000, 1000 * 2 ** tries++));
    };
    for (const name of ["joined", "changed", "reported", "presence", "command", "left"]) {
      source.addEventListener(name, (e) => {
        last = e.lastEventId;
        const data = JSON.parse(e.data);
        if (waiting) waiting.push([name, data]);
        else on.event(name, data);
      });
    }
    source.addEventListener("reset", (e) => {
      last = e.lastEventId;
      reset();
    });
  }

  async function reset() {
    if (waiting) { waiting.again = true; return; }
    waiting = [];
    for (let pause = 500; ; pause = Math.min(10_000, pause * 2)) {
      waiting.again = false;
      try {
        await on.reset();
        if (!waiting.again) break;
        waiting.length = 0;
      } catch {
        on.state("reconnecting");
        await new Promise((r) => setTimeout(r, pause));
      }
    }
    const missed = waiting;
    waiting = null;
    for (const [name, data] of missed) on.event(name, data);
    if (source?.readyState === EventSource.OPEN) on.state("live");
  }

  let hiding = 0;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiding);
    if (document.hidden) {
      hiding = setTimeout(() => { clearTimeout(timer); source?.close(); source = null; on.state("paused"); }, AWAY);
    } else if (!source || source.readyState === EventSource.CLOSED) open();
  });
  addEventListener("online", () => open());
  addEventListener("pagehide", () => { source?.close(); source = null; });
  addEventListener("pageshow", (e) => { if (e.persisted) open(); });
  open();
}
