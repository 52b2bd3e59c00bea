// Says whether this page of a mirror is what the site signed; roseau/survival/mirror/format.py has the format.
// It fetches the page again and looks it up: mirror.json is signed and names the shards, a shard names the page.
const box = document.getElementById("check");
const root = new URL(box.dataset.root || "./", location.href);
const KEPT = `roseau:mirror:${root.pathname}`;
const PURPOSE = "roseau-mirror-1\n";
const DAY = 24 * 60 * 60_000;
const PATIENCE = 2_000;

class Altered extends Error {}
class Incomplete extends Error {}
class Unable extends Error {}

const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const toBytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const encode = (text) => new TextEncoder().encode(text);
const hash = async (bytes) => toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));

const get = async (url) => {
  const answer = await fetch(url, { cache: "no-store" }).catch(() => null);
  if (!answer?.ok) throw new Incomplete();
  return new Uint8Array(await answer.arrayBuffer());
};

const parse = (bytes) => {
  try {
    return JSON.parse(typeof bytes === "string" ? bytes : new TextDecoder().decode(bytes));
  } catch {
    throw new Altered();
  }
};

const importKey = async (hex) => {
  try {
    return await crypto.subtle.importKey("raw", toBytes(hex), { name: "Ed25519" }, false, ["verify"]);
  } catch {
    throw new Unable();
  }
};

// Where this page stands in the mirror, as its address says; hosts leave out index.html and .html.
const isItsPlace = (path) => {
  const place = decodeURIComponent(location.pathname.slice(root.pathname.length));
  const names = [path, path.replace(/\.html$/, ""), path.replace(/(^|\/)index\.html$/, "$1")];
  return location.pathname.startsWith(root.pathname) && names.includes(place);
};

const look = async () => {
  if (!globalThis.crypto?.subtle) throw new Unable();
  const { path } = box.dataset;
  const envelope = parse(await get(new URL("mirror.json", root)));
  const key = await importKey(envelope.key ?? "");
  const text = encode(PURPOSE + envelope.signed);
  const right = await crypto.subtle.verify({ name: "Ed25519" }, key, toBytes(envelope.signature ?? ""), text);
  if (!right) throw new Altered();
  const signed = parse(envelope.signed);
  const number = (await hash(encode(path))).slice(0, 2);
  const expected = signed.shards[number];
  if (!expected) throw new Altered();
  const shard = await get(new URL(`index/${number}-${expected.slice(0, 16)}.json`, root));
  if ((await hash(shard)) !== expected) throw new Altered();
  const entry = parse(shard)[path];
  const here = await hash(await get(location.href.split("#")[0]));
  if (!entry || (here !== entry[0] && here !== entry[2]) || !isItsPlace(path)) throw new Altered();
  return { signed, key: (await hash(toBytes(envelope.key))).slice(0, 32) };
};

const read = () => {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) ?? {};
  } catch {
    return {};
  }
};

const keep = (known) => {
  try {
    localStorage.setItem(KEPT, JSON.stringify(known));
  } catch {
    // A window that keeps nothing asks its reader to compare the key each time.
  }
};

// The key that a link names (#key=…), as 32 digits, or as the whole key in base64 as manifests write it.
const keyOf = async (text) => {
  if (!text || /^[0-9a-f]{32}$/.test(text)) return text;
  try {
    const whole = atob(text.replaceAll("-", "+").replaceAll("_", "/").replaceAll(" ", "+"));
    return (await hash(Uint8Array.from(whole, (character) => character.charCodeAt(0)))).slice(0, 32);
  } catch {
    return "unreadable";
  }
};

// On an address of the site itself, its pages may have kept the manifest, which names the key.
const keyOfManifest = () => {
  try {
    return JSON.parse(localStorage.getItem("roseau:manifest"))?.manifest?.key;
  } catch {
    return undefined;
  }
};

const judge = async ({ signed, key }) => {
  const words = box.dataset;
  const known = read();
  const linked = await keyOf(new URLSearchParams(location.hash.slice(1)).get("key") ?? keyOfManifest());
  if (linked ? linked !== key : known.key && known.key !== key) return ["danger", words.other];
  const time = new Date(signed.made_at).toLocaleString(document.documentElement.lang);
  const said = [words.good.replace("{key}", key).replace("{time}", time)];
  const older = known.key === key && known.number > signed.number;
  const stale = Date.now() - signed.made_at > DAY;
  said.push(linked ? words.linked : known.key ? words.known : words.new);
  if (older) said.push(words.older);
  if (stale) said.push(words.stale);
  keep({ key, number: Math.max(signed.number, known.key === key ? known.number : 0) });
  return [older || stale ? "warn" : "ok", said.join(" ")];
};

const say = (kind, sentence) => {
  box.className = `notice ${kind}`;
  box.querySelector("p").textContent = sentence;
};

const check = async (again) => {
  try {
    say(...(await judge(await look())));
  } catch (error) {
    // A page may be fetched in the moment in which it is replaced.
    if (again && !(error instanceof Unable)) {
      setTimeout(check, PATIENCE, false);
    } else if (error instanceof Incomplete) {
      say("warn", box.dataset.incomplete);
    } else if (error instanceof Unable) {
      say("warn", box.dataset.unable);
    } else {
      say("danger", box.dataset.altered);
    }
  }
};

check(true);
