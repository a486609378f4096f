// Talking to the hub's API.

/** What the hub says when it says no: the message is for people. */
export class Refusal extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** Asks the hub; returns the answer's JSON, or null when it has none. Throws a Refusal, also when the hub is not there. */
export async function ask(method, path, body) {
  const { json } = await request(method, path, body);
  return json;
}

/** Loads all devices, and the event id from which a stream goes on. */
export async function loadDevices() {
  const { json, response } = await request("GET", "/devices");
  return { devices: json, last: response.headers.get("Last-Event-ID") || "" };
}

async function request(method, path, body) {
  let response;
  try {
    response = await fetch("/api/v1" + path, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Refusal(0, "the hub does not answer");
  }
  if (response.status === 401 && path !== "/session") {
    location.assign("/login");
    throw new Refusal(401, "please sign in again");
  }
  const json = (response.headers.get("Content-Type") || "").includes("json") ? await response.json() : null;
  if (!response.ok) throw new Refusal(response.status, json?.detail || response.statusText || "the hub says no");
  return { json, response };
}
