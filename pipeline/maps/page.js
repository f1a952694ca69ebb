const stored = (name) => JSON.parse(document.getElementById(name).textContent);
const unpacked = async (name) => {
  const bytes = Uint8Array.from(atob(stored(name)), (char) => char.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
};
const ground = await unpacked("ground");

// kepler.gl asks for a base map at start: it gets the roads, and every other address gets nothing.
window.fetch = async (request) => {
  const address = String(request?.url ?? request);
  if (address.endsWith("style.json")) return new Response(ground, { headers: { "content-type": "application/json" } });
  return new Response("", { status: 404, statusText: "this page asks nothing of any host" });
};

// The zoom at which the bounds fill the window beside the card and above the clock.
const view = ([west, south, east, north], { pitch, below }, width, height) => {
  const mercator = (lat) => Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360)) / (2 * Math.PI);
  const [free, tall] = [Math.max(200, width - (width > 700 ? 360 : 40)), Math.max(150, height - below - 60)];
  const zoom = Math.min(Math.log2((free * 360) / (512 * (east - west))), Math.log2(tall / (512 * (mercator(north) - mercator(south)))), 17);
  const per = 360 / (512 * 2 ** zoom);
  const aside = width > 700 ? 150 * per : 0;
  const down = ((below - 60) / 2) * per * Math.cos((((north + south) / 2) * Math.PI) / 180);
  return { longitude: (west + east) / 2 + aside, latitude: (south + north) / 2 - down, zoom, pitch, bearing: 0, dragRotate: true, isSplit: false };
};

// The part of an anywidget model that kepler.gl's widget uses.
class Model {
  constructor(values) { this.values = values; this.listeners = new Map(); }
  get(name) { return this.values[name]; }
  set(name, value) { this.values[name] = value; }
  on(event, listener) { this.listeners.set(event, [...(this.listeners.get(event) ?? []), listener]); }
  off(event, listener) { this.listeners.set(event, (this.listeners.get(event) ?? []).filter((each) => each !== listener)); }
  save_changes() {}
  change(name, value) { this.set(name, value); (this.listeners.get(`change:${name}`) ?? []).forEach((listener) => listener()); }
}

// Set the trips going as soon as kepler.gl has drawn its clock, unless the reader's system asks for rest.
const play = (el) => {
  const observer = new MutationObserver(() => {
    const button = el.querySelector(".data-ex-icons-play")?.closest("button");
    if (!button) return;
    observer.disconnect();
    button.click();
  });
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) observer.observe(el, { childList: true, subtree: true });
};

const tall = () => innerHeight - document.querySelector("footer").offsetHeight;
const wait = document.getElementById("wait");
try {
  const el = document.getElementById("map");
  const { data, config, bounds, opening } = JSON.parse(await unpacked("layers"));
  const state = (config.config.mapState ??= view(bounds, opening, innerWidth, innerHeight));
  // kepler.gl measures dots in metres from zoom 14 on: keep them as large on the screen as they are below it.
  for (const { type, config: { visConfig } } of config.config.visState.layers)
    if (type === "point") visConfig.radius *= 2 ** Math.min(0, 14 - state.zoom);
  const address = URL.createObjectURL(new Blob([await unpacked("bundle")], { type: "text/javascript" }));
  const model = new Model({ data, config, height: tall(), mapbox_token: "", theme: "dark", app_name: "Thoroughfare" });
  window.thoroughfare = model; // its "config" follows every change: copy it to keep a view
  if (opening.plays) play(el);
  (await import(address)).default.render({ model, el });
  URL.revokeObjectURL(address);
  wait.remove();
  addEventListener("resize", () => model.change("height", tall()));
} catch (error) {
  wait.className = "failed";
  wait.textContent = `The map could not be drawn (${error.message}); open this page in a current Chromium, Firefox or Safari with WebGL 2.`;
  throw error;
}
