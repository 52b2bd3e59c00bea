// Keeps the newest signed list of this site's addresses, and offers the others when this one does not answer.
// The rule of what may take the place of what is that of roseau/survival/addresses/manifest.py.
const KEPT = "roseau:manifest";
const SOURCE = "/.well-known/roseau-manifest";
const EVERY = 10 * 60_000;
const MOST = 100;

const elsewhere = document.getElementById("ailleurs");

const read = () => {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) ?? {};
  } catch {
    return {};
  }
};

const write = (kept) => {
  try {
    localStorage.setItem(KEPT, JSON.stringify(kept));
  } catch {
    // Without room, or in a window that keeps nothing, the page does without.
  }
};

const toBytes = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

const isAddress = (text, path) => {
  try {
    const url = new URL(text);
    return ["http:", "https:"].includes(url.protocol) && (path || url.origin === text);
  } catch {
    return false;
  }
};

const isSound = (manifest) => {
  const { names, gateways, mirrors, number } = manifest;
  return (
    manifest["roseau-manifest"] === 1 &&
    Number.isSafeInteger(number) &&
    number > 0 &&
    [names, gateways, mirrors].every(Array.isArray) &&
    names.length > 0 &&
    names.length + gateways.length + mirrors.length <= MOST &&
    names.every((name) => isAddress(name, false)) &&
    [...gateways, ...mirrors].every((address) => isAddress(address, true))
  );
};

// True or false; undefined where the browser cannot tell, as outside a secure context or before it knew Ed25519.
const isSigned = async (signed, manifest) => {
  let key;
  try {
    key = await crypto.subtle.importKey("raw", toBytes(manifest.key), { name: "Ed25519" }, false, ["verify"]);
  } catch {
    return undefined;
  }
  const text = new TextEncoder().encode(`roseau-manifest\n${signed.payload}`);
  return crypto.subtle.verify({ name: "Ed25519" }, key, toBytes(signed.signature), text);
};

const mayFollow = (kept, offered) =>
  offered.site === kept.site &&
  (offered.key === kept.successor ||
    (offered.key === kept.key && offered.number > kept.number && offered.successor === kept.successor));

// What to keep after one more was offered: the same object when it is refused.
const accept = async (kept, signed) => {
  const manifest = JSON.parse(signed.payload);
  const checked = isSound(manifest) ? await isSigned(signed, manifest) : false;
  if (checked === false || (kept.checked && !checked)) return kept;
  // What could not be checked then gives way to what can be now.
  const comparable = kept.manifest && !(checked && !kept.checked);
  return !comparable || mayFollow(kept.manifest, manifest) ? { manifest, checked: !!checked } : kept;
};

const look = async () => {
  let kept = read();
  if (Date.now() - (kept.at ?? 0) < EVERY) return;
  const answer = await fetch(SOURCE, { cache: "no-cache" }).catch(() => null);
  if (!answer?.ok) return;
  try {
    const document = await answer.json();
    for (const signed of [...(document.earlier ?? []).slice(-MOST), document]) kept = await accept(kept, signed);
  } catch {
    // What cannot be read changes nothing.
  }
  write({ ...kept, at: Date.now() });
};

const toItem = (address, words) => {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = address;
  link.textContent = new URL(address).host;
  item.append(link, ...(words ? [` (${words})`] : []));
  return item;
};

const offer = () => {
  const { manifest, checked } = read();
  if (!elsewhere || !manifest || navigator.onLine === false) return;
  const here = location.pathname + location.search;
  const names = manifest.names.filter((name) => name !== location.origin);
  const items = [
    ...names.map((name) => toItem(name + here, checked ? "" : elsewhere.dataset.unchecked)),
    ...manifest.mirrors.map((mirror) => toItem(mirror, elsewhere.dataset.copy)),
  ];
  elsewhere.querySelector("ul").replaceChildren(...items);
  elsewhere.hidden = !items.length;
};

const hide = () => {
  if (elsewhere) elsewhere.hidden = true;
};

document.addEventListener("htmx:error", (event) => {
  if (event.detail?.error instanceof TypeError) offer();
});
document.addEventListener("htmx:finally:request", (event) => {
  const status = event.detail?.ctx?.response?.status;
  if (status >= 500) offer();
  else if (status) hide();
});

look();
