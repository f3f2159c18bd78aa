// Opens rendered pages in headless Chromium, as a reader with a phone, a printer, a dark room, a keyboard or a screen reader
// would, and says what is wrong. Exit status 1 if anything is.
//
//   npm ci --prefix scripts/pages
//   node scripts/pages/check.mjs reports/index.html reports/*/*/*.html
//
// CHROMIUM names the browser; without it the usual names are looked for.
import { chromium } from "playwright-core";
import { createRequire } from "node:module";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WIDE = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };
const PAPER = { width: 794, height: 1123 }; // A4 at 96 dots an inch
const MOST_BYTES = 2_000_000;
// Pages that are checked at once, and presses of a key that are not waited for one by one.
const AT_ONCE = 2;
const PRESSES = 25;
// Of the first paint; an odd number.
const RELOADS = 9;

const browsers = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = browsers.find((path) => path && existsSync(path));
const files = process.argv.slice(2);
if (!executablePath || files.length === 0) {
  console.error(files.length ? "no Chromium found; install it or name it in CHROMIUM" : "usage: check.mjs PAGE.html ...");
  process.exit(2);
}

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });

/** Opens a page as `options` say and notes what it asks for and complains about. */
async function open(url, options, problems) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const asked = new Set();
  page.on("request", (request) => {
    const target = request.url();
    asked.add(target);
    if (!target.startsWith("file:") && !target.startsWith("data:")) problems.push(`asks the network for ${target}`);
  });
  page.on("requestfailed", (request) => problems.push(`cannot load ${request.url()}`));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => problems.push(`script: ${error.message}`));
  await page.goto(url, { waitUntil: "load" });
  return { context, page, asked };
}

/** Whether the page can be scrolled sideways, and by which elements. */
async function overflow(page, what, problems) {
  const wide = await page.evaluate(() => {
    const room = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= room) return null;
    const scrolls = (element) => element && (getComputedStyle(element).overflowX !== "visible" || scrolls(element.parentElement));
    const names = [...document.body.querySelectorAll("*")]
      .filter((element) => element.getBoundingClientRect().right > room + 1 && !scrolls(element.parentElement))
      .map((element) => `${element.tagName.toLowerCase()}.${element.className}`);
    return `${document.documentElement.scrollWidth} px in ${room}: ${[...new Set(names)].slice(0, 4).join(", ")}`;
  });
  if (wide) problems.push(`${what}: scrolls sideways, ${wide}`);
}

/** Serious and critical findings of axe-core. */
async function accessibility(page, what, problems) {
  // Before the shade at the edges of what scrolls sideways, axe-core cannot tell the colour behind a text.
  await page.addStyleTag({ content: ".scroll { background: none !important; }" });
  await page.evaluate(axe);
  // A page on a disk may not ask for its style sheet a second time, as axe-core would to look into it.
  const options = { resultTypes: ["violations"], preload: false };
  const { violations, incomplete } = await page.evaluate((options) => globalThis.axe.run(document, options), options);
  const bad = violations.filter((found) => ["serious", "critical"].includes(found.impact));
  for (const found of bad) {
    problems.push(`${what}: axe ${found.id} (${found.impact}), ${found.nodes.length} times: ${found.help}; first ${found.nodes[0].html.slice(0, 120)}`);
  }
  return { bad: bad.length, minor: violations.length - bad.length, open: incomplete.length };
}

/** Every element that takes the focus gets it by the Tab key, visibly, and the focus leaves the page at its end. */
async function keyboard(page, problems) {
  const all = await page.evaluate(() => {
    const can = "a[href], button, input, select, textarea, summary, [tabindex]:not([tabindex='-1'])";
    const seen = (element) => element.checkVisibility() && element.getClientRects().length > 0 && !element.disabled;
    const found = [...document.querySelectorAll(can)].filter(seen);
    const places = new Map(found.map((element, place) => [element, place]));
    const reached = new Set();
    const hidden = new Set();
    // The page itself notes where the focus goes: to ask after every press would take minutes.
    addEventListener("focusin", ({ target }) => {
      const style = getComputedStyle(target);
      const shown = (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
      if (places.has(target)) reached.add(places.get(target));
      if (!shown) hidden.add(target);
    });
    globalThis.focusNoted = () => [reached.size, hidden.size];
    return found.length;
  });
  for (let pressed = 0; pressed < all + 2; pressed += PRESSES) {
    await Promise.all(Array.from({ length: PRESSES }, () => page.keyboard.press("Tab")));
  }
  const [reached, hidden] = await page.evaluate(() => globalThis.focusNoted());
  if (reached < all) problems.push(`keyboard: Tab reaches ${reached} of ${all} elements`);
  if (hidden > 0) problems.push(`keyboard: the focus is not seen on ${hidden} elements`);
}

/** Links within the page and to files beside it lead somewhere. */
async function links(page, file, problems) {
  const found = await page.evaluate(() => ({
    hrefs: [...document.querySelectorAll("a[href]")].map((link) => link.getAttribute("href")),
    ids: [...document.querySelectorAll("[id]")].map((element) => element.id),
  }));
  const ids = new Set(found.ids);
  if (ids.size < found.ids.length) problems.push("two elements have the same id");
  const own = new Map();
  for (const href of new Set(found.hrefs)) {
    if (/^[a-z]+:/i.test(href)) continue;
    const [path, anchor] = href.split("#");
    if (path === "") {
      if (anchor && !ids.has(decodeURIComponent(anchor))) problems.push(`dead anchor #${anchor}`);
      continue;
    }
    const target = resolve(dirname(file), decodeURIComponent(path.split("?")[0]));
    if (!existsSync(target)) {
      problems.push(`dead link ${href}`);
    } else if (anchor && target.endsWith(".html")) {
      if (!own.has(target)) own.set(target, readFileSync(target, "utf8"));
      if (!own.get(target).includes(`id="${decodeURIComponent(anchor)}"`)) problems.push(`dead anchor ${href}`);
    }
  }
}

/** A page that was copied without its style sheet is plain HTML: nothing is hidden, and lines of charts are drawn. */
async function unstyled(url, problems) {
  const context = await browser.newContext({ viewport: WIDE });
  const page = await context.newPage();
  await page.route("**/*.css", (route) => route.abort());
  await page.goto(url, { waitUntil: "load" });
  const invisible = await page.evaluate(() =>
    [...document.querySelectorAll("svg :is(polyline, path)")].filter((line) => getComputedStyle(line).stroke === "none").length);
  if (invisible > 0) problems.push(`without the style sheet ${invisible} lines of charts are not drawn`);
  await context.close();
}

/** Milliseconds to the first paint, the median of reloads in a tab that is open already: the first load waits for the browser itself. */
async function firstPaint(file) {
  const { context, page } = await open(pathToFileURL(file).href, { viewport: WIDE }, []);
  const paints = [];
  while (paints.length < RELOADS) {
    await page.reload({ waitUntil: "load" });
    const seen = () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime;
    paints.push(await (await page.waitForFunction(seen)).jsonValue());
  }
  await context.close();
  return paints.sort((one, other) => one - other)[(RELOADS - 1) / 2];
}

async function check(file) {
  const url = pathToFileURL(file).href;
  const problems = [];
  let counts = { bad: 0, minor: 0, open: 0 };
  let bytes = 0;
  for (const colorScheme of ["light", "dark"]) {
    for (const viewport of [WIDE, PHONE]) {
      const what = `${colorScheme}, ${viewport.width} px`;
      const { context, page, asked } = await open(url, { viewport, colorScheme }, problems);
      await overflow(page, what, problems);
      // Colours differ by scheme and layout by width: two of the four show both.
      if ((colorScheme === "light") === (viewport === WIDE)) {
        const found = await accessibility(page, what, problems);
        counts = { bad: counts.bad + found.bad, minor: Math.max(counts.minor, found.minor), open: Math.max(counts.open, found.open) };
      }
      if (colorScheme === "light" && viewport === WIDE) {
        const loaded = [...asked].filter((target) => target.startsWith("file:"));
        bytes = loaded.reduce((sum, target) => sum + statSync(fileURLToPath(target.split("#")[0])).size, 0);
        await links(page, file, problems);
        await keyboard(page, problems);
        await page.emulateMedia({ media: "print", colorScheme: "light" });
        await page.setViewportSize(PAPER);
        await overflow(page, "paper", problems);
      }
      await context.close();
    }
  }
  await unstyled(url, problems);
  // Without scripts the page says the same.
  const words = async (javaScriptEnabled) => {
    const { context, page } = await open(url, { viewport: WIDE, javaScriptEnabled }, problems);
    const text = await page.locator("main").innerText();
    await context.close();
    return text.split(/\s+/).filter(Boolean);
  };
  const [without, withScripts] = [await words(false), await words(true)];
  const shown = new Set(without);
  const missing = withScripts.filter((word) => !shown.has(word) && /\d/.test(word));
  if (without.length === 0) problems.push("nothing is shown in <main> without scripts");
  if (missing.length > 0) problems.push(`without scripts these are missing: ${missing.slice(0, 5).join(" ")}`);
  if (bytes > MOST_BYTES) problems.push(`${bytes} bytes are loaded; at most ${MOST_BYTES} should be`);
  return { problems: [...new Set(problems)], counts, bytes };
}

let wrong = 0;
let largest = { bytes: 0 };
const paths = files.map((name) => resolve(name));
const checks = [];
for (const [at, file] of paths.entries()) {
  // Two at a time, as a page mostly waits for the browser.
  for (let other = at; other < Math.min(at + AT_ONCE, paths.length); other += 1) checks[other] ??= check(paths[other]);
  const { problems, counts, bytes } = await checks[at];
  wrong += problems.length;
  if (bytes > largest.bytes) largest = { bytes, file };
  const axeText = `axe ${counts.bad} serious, ${counts.minor} minor, ${counts.open} to look at`;
  console.log(`${problems.length ? "WRONG" : "ok   "} ${file}: ${Math.round(bytes / 1000)} kB, ${axeText}`);
  for (const problem of problems) console.log(`      ${problem}`);
}
// When nothing else is open.
if (largest.file) console.log(`first paint of the largest, ${largest.file}: ${(await firstPaint(largest.file)).toFixed(0)} ms, the median of ${RELOADS}`);
await browser.close();
process.exit(wrong > 0 ? 1 : 0);
