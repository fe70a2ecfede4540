// Drives Chromium for a test: reads one command a line on standard input, {"do": name, …}, and answers each with one line,
// {"value": …} or {"error": text}. Nothing is logged: what the pages hold may be secret.
import { readFileSync } from "fs";
import { createRequire } from "module";
import { createInterface } from "readline";

// Packages are found below the folder this runs in, and this file stands elsewhere.
const require = createRequire(process.cwd() + "/");
const { chromium } = require("playwright-core");
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const browser = await chromium.launch({
  executablePath: process.env.INSTATUNNEL_CHROMIUM,
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
const patience = 20000;
const pages = new Map();
const complaints = new Map(); // what the console of each page said

async function open({ page, scripts }) {
  // The certificate is that of a dev edge. Without scripts is how the pages must work.
  const context = await browser.newContext({ ignoreHTTPSErrors: true, javaScriptEnabled: scripts });
  context.setDefaultTimeout(patience);
  pages.set(page, await context.newPage());
  complaints.set(page, []);
  pages.get(page).on("console", (message) => complaints.get(page).push(message.text()));
  pages.get(page).on("pageerror", (error) => complaints.get(page).push(String(error)));
}

// axe runs in a copy of the page: the page's own policy and the missing scripts would both keep it out.
let auditor;

async function audit(page, scheme, viewport) {
  // One page for all: a renderer of its own for each would take longer than the questions.
  auditor ??= await (await browser.newContext()).newPage();
  await auditor.emulateMedia({ colorScheme: scheme });
  await auditor.setViewportSize(viewport);
  await auditor.setContent(await page.content());
  await auditor.evaluate(axeSource);
  const found = await auditor.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return found.violations.map(({ id, impact, help, nodes }) => ({ id, impact, help, where: nodes.map((n) => n.target.join(" ")) }));
}

const commands = {
  open,
  version: () => browser.version(),
  close: async ({ page }) => {
    await pages.get(page).context().close();
    pages.delete(page);
  },
  goto: async ({ page, url }) => (await pages.get(page).goto(url)).status(),
  url: ({ page }) => pages.get(page).url(),
  title: ({ page }) => pages.get(page).title(),
  content: ({ page }) => pages.get(page).content(),
  fill: ({ page, on, text }) => pages.get(page).locator(on).fill(text),
  check: ({ page, on }) => pages.get(page).locator(on).check(),
  select: ({ page, on, text }) => pages.get(page).locator(on).selectOption(text),
  click: ({ page, on }) => pages.get(page).locator(on).click(),
  button: ({ page, name }) => pages.get(page).getByRole("button", { name, exact: true }).click(),
  link: ({ page, name }) => pages.get(page).getByRole("link", { name, exact: true }).click(),
  press: ({ page, key }) => pages.get(page).keyboard.press(key),
  type: ({ page, text }) => pages.get(page).keyboard.type(text),
  texts: ({ page, on }) => pages.get(page).locator(on).allTextContents(),
  waitFor: ({ page, on }) => pages.get(page).locator(on).first().waitFor(),
  waitForUrl: ({ page, start }) => pages.get(page).waitForURL((url) => url.href.startsWith(start)),
  // What the focus is on, and whether a person can see that.
  focus: ({ page }) => pages.get(page).evaluate(() => {
    const element = document.activeElement;
    const style = getComputedStyle(element);
    return { tag: element.localName, name: element.getAttribute("name"), value: element.getAttribute("value"), text: element.textContent.trim(),
      outlined: style.outlineStyle !== "none" && style.outlineWidth !== "0px" };
  }),
  complaints: ({ page }) => complaints.get(page),
  // A function of the page's own, as text, with one argument; what its promise gives.
  evaluate: ({ page, script, given, limit }) => Promise.race([
    pages.get(page).evaluate(([text, value]) => (0, eval)(text)(value), [script, given]),
    new Promise((_, reject) => setTimeout(reject, limit * 1000, new Error(`the page has not finished in ${limit} s`)).unref()),
  ]),
  choose: ({ page, on, files }) => pages.get(page).locator(on).setInputFiles(files),
  frames: ({ page }) => Promise.all(pages.get(page).frames().map((frame) => frame.content())),
  shoot: async ({ page, scheme, viewport, path }) => {
    const shown = pages.get(page);
    await shown.emulateMedia({ colorScheme: scheme });
    await shown.setViewportSize(viewport);
    await shown.screenshot({ path, fullPage: true });
    return shown.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  },
  audit: ({ page, scheme, viewport }) => audit(pages.get(page), scheme, viewport),
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  let answer;
  try {
    answer = { value: (await commands[command.do](command)) ?? null };
  } catch (error) {
    answer = { error: String(error.message ?? error) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
await browser.close();
