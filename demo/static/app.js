// The demo page. It draws the state that the server sends, and posts back what the user does:
// starts an execution, clicks a Slack button, opens the app's Home, types a command.
//
// All text comes from other people's input, so nodes are built with textContent only.

import { EXAMPLES } from "./examples.js";

const STATUS_LABELS = {
  RUNNING: "Running",
  SUCCEEDED: "Succeeded",
  FAILED: "Failed",
  TIMED_OUT: "Timed out",
  ABORTED: "Aborted",
};

// Only the few shortcodes an approval message is likely to use; others stay as typed.
const EMOJI = {
  white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", no_entry: "⛔", no_entry_sign: "🚫",
  warning: "⚠️", hourglass: "⌛", hourglass_flowing_sand: "⏳", alarm_clock: "⏰", bell: "🔔",
  rocket: "🚀", lock: "🔒", raised_hand: "✋", thumbsup: "👍", thumbsdown: "👎",
};

let state = null;          // the last state drawn; null until the first one arrives
let userNames = new Map(); // Slack user ID -> name
let chosenUser = null;     // the user who clicks in Slack
let place = "channel";     // what is shown of Slack: home, direct or channel
let wantedArn = null;      // the execution to scroll to when it is drawn
const clicking = new Set();        // ts of messages with a click in flight
const clickProblems = new Map();   // ts -> what went wrong with the last click

const byId = (id) => document.getElementById(id);

// ---------------------------------------------------------------- DOM helpers

/** el("a", {class: "x", href: "…"}, "text", node, null): attributes and children, nulls skipped. */
function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value != null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child != null && child !== false));
  return node;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Links to an execution lead to the AWS console. Here the page itself shows it.
const CONSOLE = "https://console.aws.amazon.com/states/home";

function link(url, label, className) {
  if (url.startsWith(CONSOLE)) return el("a", { href: new URL(url).hash, class: className }, label);
  return el("a", { href: url, target: "_blank", rel: "noopener", class: className }, label);
}

const isWebUrl = (url) => /^https?:\/\//i.test(url);

/**
 * Make the children of `list` match `items`, touching only what changed. Everything the user
 * may be holding on to (focus, selection, scroll position, hover) survives in untouched nodes.
 */
function reconcile(list, items, keyOf, draw) {
  const old = new Map([...list.children].map((node) => [node.dataset.key, node]));
  const wanted = new Set(items.map(keyOf));
  for (const [key, node] of old) if (!wanted.has(key)) node.remove();

  const nodes = items.map((item) => keep(old.get(keyOf(item)), item, keyOf(item), draw));
  let cursor = list.firstElementChild;
  for (const node of nodes) {
    // Moving a node that is already in place would cost it focus, hence the comparison.
    if (node === cursor) cursor = cursor.nextElementSibling;
    else list.insertBefore(node, cursor);
  }
}

const drawnFrom = new WeakMap(); // node -> the JSON it shows

function keep(old, item, key, draw) {
  const json = JSON.stringify(item);
  if (old && drawnFrom.get(old) === json) return old;
  const node = draw(item);
  node.dataset.key = key;
  drawnFrom.set(node, json);
  if (old) replace(old, node);
  else if (state) node.classList.add("fresh"); // not on the first load: everything is new then
  return node;
}

function replace(old, node) {
  const open = [...old.querySelectorAll("details")].map((details) => details.open);
  node.querySelectorAll("details").forEach((details, i) => { details.open = open[i] ?? false; });
  const active = document.activeElement;
  const label = old.contains(active) ? active.textContent : null;
  old.replaceWith(node);
  if (label !== null) focusTwin(node, label);
}

/** Focus the control with the same label, or the whole item if that control is gone. */
function focusTwin(node, label) {
  const controls = [...node.querySelectorAll("a, button, summary")];
  const twin = controls.find((control) => control.textContent === label);
  if (!twin) node.tabIndex = -1;
  (twin ?? node).focus({ preventScroll: true });
}

// ---------------------------------------------------------------- time

function relative(iso) {
  const seconds = Math.round((Date.now() - new Date(iso)) / 1000);
  if (!Number.isFinite(seconds) || seconds < 45) return "just now";
  const units = [["minute", 60, 3600], ["hour", 3600, 86400], ["day", 86400, Infinity]];
  const [unit, size] = units.find(([, , limit]) => seconds < limit);
  const format = new Intl.RelativeTimeFormat("en", { numeric: "always" });
  return format.format(-Math.max(1, Math.floor(seconds / size)), unit);
}

function relativeTime(iso) {
  const title = new Date(iso).toLocaleString();
  return el("time", { datetime: iso, title, "data-relative": true }, relative(iso));
}

function clock(date, withSeconds = false) {
  const second = withSeconds ? "2-digit" : undefined;
  return date.toLocaleTimeString([], { hour: "numeric", minute: "2-digit", second });
}

// Ages change without the state changing, so they are refreshed in place.
setInterval(() => {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    setText(time, relative(time.dateTime));
  }
}, 10_000);

/** Slack's <!date^…^…> tokens; null for one this page does not know. */
function slackDateToken(token, date) {
  const pretty = token.endsWith("_pretty") ? nearbyDay(date) : null;
  if (pretty) return pretty;
  const format = (options) => date.toLocaleDateString([], options);
  switch (token.replace(/_pretty$/, "")) {
    case "date_num": return format({ year: "numeric", month: "2-digit", day: "2-digit" });
    case "date": return format({ year: "numeric", month: "long", day: "numeric" });
    case "date_short": return format({ year: "numeric", month: "short", day: "numeric" });
    case "date_long": return format({ dateStyle: "full" });
    case "time": return clock(date);
    case "time_secs": return clock(date, true);
    case "ago": return relative(date.toISOString());
    default: return null;
  }
}

function nearbyDay(date) {
  const midnight = (d) => new Date(d.getFullYear(), d.getMonth(), d.getDate());
  // Rounded, because a day with a clock change is 23 or 25 hours long.
  const days = Math.round((midnight(date) - midnight(new Date())) / 86_400_000);
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days] ?? null;
}

// ---------------------------------------------------------------- executions

function drawExecution(execution) {
  const { arn, name, title, status, started_at, states, error, cause, output } = execution;
  return el("article", { class: "card", tabindex: -1, "data-arn": arn, "data-execution": name, "data-status": status },
    el("div", { class: "card-head" },
      el("h4", {}, title || name),
      el("span", { class: `badge ${status.toLowerCase()}` }, STATUS_LABELS[status] ?? status)),
    title && el("p", { class: "meta mono" }, name),
    el("p", { class: "meta" }, "Started ", relativeTime(started_at)),
    el("ol", { class: "steps" }, states.map(drawStep)),
    (error || cause) && drawFailure(error, cause),
    output?.Approval?.Result?.Grant && drawGrant(output.Approval.Action, output.Approval.Result.Grant),
    output != null && el("details", {},
      el("summary", {}, "Output"),
      el("pre", {}, JSON.stringify(output, null, 2))));
}

/** Scroll to the wanted execution once it is drawn. */
function revealExecution() {
  const card = wantedArn && document.querySelector(`[data-arn="${CSS.escape(wantedArn)}"]`);
  if (!card) return;
  wantedArn = null;
  card.scrollIntoView({ block: "nearest" });
  card.focus({ preventScroll: true });
  card.classList.remove("fresh");
  requestAnimationFrame(() => card.classList.add("fresh"));
}

/** "Open execution": #/v2/executions/details/ARN, as in the AWS console. */
function followHash() {
  const [, arn] = /^#\/v2\/executions\/details\/(.+)$/.exec(decodeURIComponent(location.hash)) ?? [];
  if (!arn) return;
  history.replaceState(null, "", location.pathname);
  wantedArn = arn;
  revealExecution();
}

function drawStep({ name, status, entered_at }) {
  const entered = new Date(entered_at);
  return el("li", { class: status.toLowerCase() },
    el("span", { class: "step-name" }, name),
    el("span", { class: "visually-hidden" }, `, ${STATUS_LABELS[status] ?? status}, entered at `),
    el("time", { datetime: entered_at, title: entered.toLocaleString() }, clock(entered, true)));
}

function drawFailure(error, cause) {
  return el("div", { class: "failure" },
    error && el("strong", { class: "mono" }, error),
    cause && el("p", {}, indentIfJson(cause)));
}

/** What a program does right before it executes the approved action. */
function drawGrant(action, { Id: id, Uses: uses, ValidUntil: until }) {
  const text = JSON.stringify(action, null, 2);
  const typed = el("textarea", { rows: text.split("\n").length, spellcheck: "false" }, text);
  const told = el("p", { class: "told", role: "status" });
  const spend = el("button", { type: "button", class: "button" }, "Spend the grant");
  spend.addEventListener("click", async () => {
    spend.disabled = true;
    setText(told, "");
    const { spent, refused } = await spendOn(id, typed.value);
    told.className = refused ? "told problem" : "told";
    setText(told, refused ?? `Spent: use ${spent.Use} of ${spent.Uses}, approved by ${spent.DecidedBy}. A program would now execute the action.`);
    spend.disabled = false;
    spend.focus({ preventScroll: true });
  });
  return el("div", { class: "grant" },
    el("p", {}, el("strong", {}, "Grant"), ` for ${uses === 1 ? "one use" : `${uses} uses`}, until ${clock(new Date(until))}. `
      + "A program spends it right before it executes the action. Try another value, then spend it twice."),
    el("label", {}, "Action to execute", typed),
    spend, told);
}

async function spendOn(id, text) {
  try {
    return { spent: await post("/api/spend", { grant_id: id, action: JSON.parse(text) }) };
  } catch (error) {
    return { refused: error instanceof SyntaxError ? `This is not valid JSON: ${error.message}` : error.message };
  }
}

/** Lambda puts a JSON document in the cause; show it readably. */
function indentIfJson(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

// ---------------------------------------------------------------- inbox

function drawMail({ id, to, subject, text, received_at }) {
  return el("article", { class: "card mail", "data-mail-id": id },
    el("p", { class: "meta from" }, el("span", {}, `To ${to || "all subscribers"}`), relativeTime(received_at)),
    el("h3", {}, subject),
    el("div", { class: "mail-text" }, linkify(text)));
}

function linkify(text) {
  return text.split(/(https?:\/\/[^\s<>"]+)/).flatMap((part, i) => {
    if (i % 2 === 0) return [part];
    const url = part.replace(/[.,;:!?'")\]}]+$/, ""); // the sentence's punctuation, not the URL's
    return [link(url, url, url.length > 150 ? "long" : null), part.slice(url.length)];
  });
}

// ---------------------------------------------------------------- Slack messages

function drawMessage(message) {
  const { ts, ephemeral_to, edited } = message;
  const sent = new Date(Number(ts) * 1000);
  clickProblems.delete(ts); // it was about the message as it looked before
  const kind = ephemeral_to ? "message ephemeral" : message.thread_ts ? "message reply" : "message";
  return el("article", { class: kind, "data-ts": ts },
    el("div", { class: "avatar", "aria-hidden": "true" }, "✓"),
    el("div", { class: "message-main" },
      ephemeral_to && el("p", { class: "only-you" }, `Only visible to ${capitalised(userName(ephemeral_to))}`),
      message.thread_ts && el("p", { class: "only-you" }, "In the request's thread"),
      el("p", { class: "byline" },
        el("strong", {}, "Approvals"), el("span", { class: "app-tag" }, "APP"),
        el("time", { datetime: sent.toISOString(), title: sent.toLocaleString() }, clock(sent))),
      drawBlocks(message),
      edited && el("p", { class: "edited" }, "(edited)"),
      el("p", { class: "problem", "aria-live": "polite" })));
}

function drawBlocks({ ts, blocks, text }) {
  // Slack shows the fallback text only when there is nothing better.
  if (!blocks?.length) return el("div", { class: "block" }, mrkdwn(text));
  return blocks.map((block) => drawBlock(block, ts));
}

function drawBlock(block, ts) {
  switch (block.type) {
    case "header": return el("h3", { class: "block block-header" }, richText(block.text));
    case "section": return drawSection(block, ts);
    case "context": return el("div", { class: "block context" }, drawContext(block.elements));
    case "divider": return el("hr", { class: "block" });
    case "actions": return el("div", { class: "block actions" }, block.elements.flatMap((e) => drawAction(e, ts)));
    case "input": return null;
    case "rich_text": return el("div", { class: "block" }, block.elements.map(drawRich));
    default: return el("p", { class: "block context" }, `(a “${block.type}” block; this page can't draw it)`);
  }
}

function drawSection({ text, fields, accessory }, ts) {
  return el("div", { class: accessory ? "block with-accessory" : "block" },
    text && el("div", {}, richText(text)),
    accessory && drawButton(accessory, ts),
    fields && el("div", { class: "fields" }, fields.map((field) => el("div", {}, richText(field)))));
}

function drawContext(elements) {
  return elements.filter((element) => element.text).map((element) => el("div", {}, richText(element)));
}

function drawAction(element, ts) {
  // Slack folds a menu behind three dots; here its choices stand in the open.
  if (element.type !== "overflow") return [drawButton(element, ts)];
  return element.options.map((option) => {
    const label = plain(option.text.text);
    const button = el("button", { type: "button", class: "button quiet", "data-option": option.value }, label);
    button.addEventListener("click", () => click(ts, element.action_id, label, option.value));
    return button;
  });
}

function drawRich(element) {
  switch (element.type) {
    case "rich_text_list":
      return el(element.style === "ordered" ? "ol" : "ul", { class: element.border && "bordered" }, element.elements.map((item) => el("li", {}, richRuns(item))));
    case "rich_text_preformatted": return el("pre", { class: element.border && "bordered" }, richRuns(element));
    case "rich_text_quote": return el("blockquote", {}, richRuns(element));
    default: return el("div", {}, richRuns(element));
  }
}

const richRuns = ({ elements }) => elements.map(drawRun);

function drawRun({ type, text, url, user_id, timestamp, format, fallback, style = {} }) {
  if (type === "user") return el("span", { class: "mention" }, `@${userName(user_id)}`);
  if (type === "date") return slackDate(`!date^${timestamp}^${format}`, fallback);
  if (type === "link" && isWebUrl(url)) return link(url, text ?? url);
  const tags = { bold: "b", italic: "i", strike: "s", code: "code" };
  return Object.entries(tags).reduce((node, [name, tag]) => (style[name] ? el(tag, {}, node) : node), text ?? "");
}

function drawButton(element, ts) {
  const label = plain(element.text.text);
  const className = `button ${element.style ?? ""}`;
  if (element.url && isWebUrl(element.url)) return link(element.url, label, className);
  const button = el("button", { type: "button", class: className, "data-action-id": element.action_id }, label);
  button.addEventListener("click", () => {
    const { confirm } = element;
    if (confirm && !window.confirm(`${confirm.title.text}\n\n${confirm.text.text}`)) return;
    if (ts === HOME) clickHome(element);
    else click(ts, element.action_id, label);
  });
  return button;
}

async function click(ts, actionId, label, option) {
  if (clicking.has(ts)) return;
  clicking.add(ts);
  clickProblems.delete(ts);
  showClickState();
  try {
    await post("/api/slack/click", { ts, action_id: actionId, user_id: chosenUser, option });
  } catch (error) {
    clickProblems.set(ts, error.message);
  }
  clicking.delete(ts);
  showClickState();
  returnFocus(ts, label);
}

/** Disabled buttons lose the focus; give it back to keyboard users. */
function returnFocus(ts, label) {
  if (document.activeElement && document.activeElement !== document.body) return;
  const node = document.querySelector(`[data-ts="${CSS.escape(ts)}"]`);
  if (node) focusTwin(node, label);
}

/** Applied on top of the drawn messages, so that a click does not redraw the one clicked. */
function showClickState() {
  for (const node of byId("messages").children) {
    const { ts } = node.dataset;
    node.querySelectorAll("button").forEach((button) => { button.disabled = clicking.has(ts); });
    node.setAttribute("aria-busy", clicking.has(ts));
    setText(node.querySelector(".problem"), clickProblems.get(ts) ?? "");
  }
}

// ---------------------------------------------------------------- Slack's Home and commands

const HOME = "home"; // in the place of a message's ts

function drawHome({ blocks }) {
  return el("div", { class: "home-view" }, blocks ? drawBlocks({ ts: HOME, blocks, text: "" })
    : el("p", { class: "empty" }, "Opening…"), el("p", { class: "problem", id: "home-problem", "aria-live": "polite" }));
}

async function clickHome({ action_id, value }) {
  await postHome("/api/slack/home/click", { action_id, value });
}

async function postHome(path, more = {}) {
  try {
    await post(path, { user_id: chosenUser, ...more });
  } catch (error) {
    setText(byId("home-problem"), error.message);
  }
}

/** Slack tells the app whenever a user opens its Home. */
function openPlace(name) {
  place = name;
  showSlack(state);
  if (place === "home") postHome("/api/slack/home");
}

async function sendCommand() {
  const typed = byId("said").value.trim();
  if (!/^\/approvals(\s|$)/.test(typed)) {
    setText(byId("composer-problem"), "The only command is /approvals. Add help to list what follows it.");
    return;
  }
  try {
    const text = typed.replace(/^\/approvals\s*/, "");
    await post("/api/slack/command", { user_id: chosenUser, text, channel: channelShown(state) });
    setText(byId("composer-problem"), "");
    byId("said").value = "/approvals";
  } catch (error) {
    setText(byId("composer-problem"), error.message);
  }
}

const directChannel = () => `D${(chosenUser ?? "").slice(1)}`;
const channelShown = ({ slack }) => (place === "direct" ? directChannel() : slack.channel_id);

function setUpSlack() {
  for (const tab of byId("places").children) tab.addEventListener("click", () => openPlace(tab.dataset.place));
  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    sendCommand();
  });
}

// ---------------------------------------------------------------- Slack dialogs

function drawModal({ id, user_id, view }) {
  const problem = el("p", { class: "problem", role: "alert" });
  const close = () => {
    post("/api/slack/close", { view_id: id }).catch((error) => setText(problem, error.message));
  };
  const buttons = [
    view.close && el("button", { type: "button", class: "button", "data-close": true }, plain(view.close.text)),
    view.submit && el("button", { type: "submit", class: "button primary" }, plain(view.submit.text)),
  ];
  const form = el("form", { class: "modal", "data-view": id, "aria-label": plain(view.title.text), novalidate: true },
    el("div", { class: "card-head" },
      el("h3", {}, plain(view.title.text)),
      el("button", { type: "button", class: "button close", "aria-label": "Close", "data-close": true }, "✕")),
    el("p", { class: "only-you" }, `Dialog, only visible to ${capitalised(userName(user_id))}`),
    view.blocks.map((block) => (block.type === "input" ? drawInput(block) : drawBlock(block))),
    problem,
    el("div", { class: "actions" }, buttons));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submitModal(form, id, problem);
  });
  form.querySelectorAll("[data-close]").forEach((button) => button.addEventListener("click", close));
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
  // It is drawn below the messages: scroll to it.
  requestAnimationFrame(() => {
    form.scrollIntoView({ block: "nearest" });
    form.querySelector("input, textarea, select")?.focus({ preventScroll: true });
  });
  return form;
}

function drawInput({ block_id, label, hint, element, optional }) {
  const name = plain(label.text) + (optional ? " (optional)" : "");
  const below = [
    hint && el("p", { class: "hint" }, plain(hint.text)),
    el("p", { class: "problem", "data-problem": block_id }),
  ];
  if (element.options && element.type !== "static_select") {
    const type = element.type === "checkboxes" ? "checkbox" : "radio";
    const options = element.options.map(({ text, value }) => el("label", { class: "option" },
      el("input", { type, name: block_id, value, checked: element.initial_option?.value === value }), plain(text.text)));
    return el("fieldset", { class: "field" }, el("legend", {}, name), options, below);
  }
  return el("label", { class: "field" }, name, inputOf(block_id, element), below);
}

function inputOf(name, element) {
  const value = element.initial_value ?? element.initial_date ?? "";
  switch (element.type) {
    case "static_select":
      return el("select", { name }, el("option", { value: "" }), element.options.map((option) => el("option",
        { value: option.value, selected: element.initial_option?.value === option.value }, plain(option.text.text))));
    case "datepicker": return el("input", { name, type: "date", value });
    case "number_input": return el("input", { name, inputmode: "decimal", value });
    default: return element.multiline ? el("textarea", { name, rows: 3 }, value) : el("input", { name, value });
  }
}

async function submitModal(form, viewId, problem) {
  const values = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
  try {
    const { errors = {} } = await post("/api/slack/submit", { view_id: viewId, values });
    setText(problem, "");
    form.querySelectorAll("[data-problem]").forEach((node) => setText(node, errors[node.dataset.problem] ?? ""));
  } catch (error) {
    setText(problem, error.message);
  }
}

function userName(id) {
  return userNames.get(id) ?? id;
}

// ---------------------------------------------------------------- Slack's text format

/** Slack decodes its three entities in plain_text too. */
function richText({ type, text }) {
  return type === "mrkdwn" ? mrkdwn(text) : [plain(text)];
}

const unescapeSlack = (text) =>
  text.replace(/&(amp|lt|gt);/g, (_, name) => ({ amp: "&", lt: "<", gt: ">" })[name]);

const emojify = (text) =>
  text.replace(/:([a-z_]+):/g, (whole, name) => (Object.hasOwn(EMOJI, name) ? EMOJI[name] : whole));

/** Code blocks first: nothing inside them is formatted. */
function mrkdwn(text) {
  return text.split(/\n?```\n?([\s\S]+?)\n?```\n?/).flatMap((part, i) =>
    i % 2 ? [el("pre", {}, unescapeSlack(part))] : quotesAndLines(part));
}

function quotesAndLines(text) {
  const quoteMark = /^(?:>|&gt;) ?/;
  const groups = []; // runs of lines that are all quoted, or all not
  for (const line of text.split("\n")) {
    const quoted = quoteMark.test(line);
    if (groups.at(-1)?.quoted !== quoted) groups.push({ quoted, lines: [] });
    groups.at(-1).lines.push(quoted ? line.replace(quoteMark, "") : line);
  }
  return groups.flatMap(({ quoted, lines }) => {
    const nodes = inline(lines.join("\n"));
    return quoted ? [el("blockquote", {}, nodes)] : nodes;
  });
}

/** `mark` around text that starts and ends without a space, not in the middle of a word. */
const around = (mark, name) =>
  `(?<![\\p{L}\\p{N}${mark}])${mark}(?=[^\\s${mark}])(?<${name}>[^${mark}\\n]*[^\\s${mark}])${mark}(?![\\p{L}\\p{N}])`;

const INLINE = new RegExp([
  "`(?<code>[^`\\n]+)`",
  "<(?<angle>[^<>\\n]+)>",
  around("\\*", "b"),
  around("_", "i"),
  around("~", "s"),
].join("|"), "gu");

function inline(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    nodes.push(plain(text.slice(end, match.index)), marked(match.groups));
    end = match.index + match[0].length;
  }
  nodes.push(plain(text.slice(end)));
  return nodes;
}

const plain = (text) => emojify(unescapeSlack(text));

function marked({ code, angle, ...styles }) {
  if (code) return el("code", {}, unescapeSlack(code));
  if (angle) return angleBrackets(angle);
  const [tag, text] = Object.entries(styles).find(([, value]) => value);
  return el(tag, {}, inline(text));
}

/** <https://url|label>, <@U123>, <!date^…|fallback>, <!here>, <#C123|name> */
function angleBrackets(body) {
  const bar = body.indexOf("|");
  const target = bar < 0 ? body : body.slice(0, bar);
  const label = bar < 0 ? null : plain(body.slice(bar + 1));
  if (target.startsWith("@")) return el("span", { class: "mention" }, `@${userName(target.slice(1))}`);
  if (target.startsWith("#")) return el("span", { class: "mention" }, `#${label ?? target.slice(1)}`);
  if (target.startsWith("!date^")) return slackDate(target, label);
  if (target.startsWith("!")) return el("span", { class: "mention" }, label ?? `@${target.slice(1)}`);
  const url = unescapeSlack(target);
  return isWebUrl(url) || url.startsWith("mailto:") ? link(url, label ?? url) : label ?? url;
}

function slackDate(target, fallback) {
  const [, seconds, format, url] = target.split("^");
  const date = new Date(Number(seconds) * 1000);
  if (!format || Number.isNaN(date.getTime())) return fallback ?? target;
  const text = plain(format).replace(/\{(\w+)\}/g, (whole, token) => slackDateToken(token, date) ?? whole);
  const time = el("time", { datetime: date.toISOString(), title: date.toLocaleString() }, text);
  return url && isWebUrl(url) ? link(unescapeSlack(url), time) : time;
}

// ---------------------------------------------------------------- drawing the state

function show(next) {
  const before = state;
  userNames = new Map(next.users.map(({ id, name }) => [id, name]));
  reconcile(byId("executions"), next.executions, (item) => item.arn, drawExecution);
  reconcile(byId("mails"), next.inbox, (item) => String(item.id), drawMail);
  showSlack(next);
  revealExecution();
  setText(byId("email"), next.email);
  byId("executions-empty").hidden = next.executions.length > 0;
  byId("inbox-empty").hidden = next.inbox.length > 0;
  setText(byId("jump-inbox"), String(next.inbox.length || ""));
  setText(byId("jump-slack"), String(next.slack.messages.length || ""));
  state = next;
  if (before) announce(before, next);
  else showHint(); // whether the stack has a policy is known now
}

function showSlack({ slack, users }) {
  const { channel_id: channel, modals, homes } = slack;
  byId("slack-off").hidden = Boolean(channel);
  byId("who").hidden = !channel || users.length === 0;
  byId("places").hidden = !channel;
  byId("composer").hidden = !channel || place === "home";
  showUsers(users);
  const messages = slack.messages.filter((message) => message.channel === channelShown({ slack }));
  byId("slack-empty").hidden = !channel || place === "home" || messages.length > 0;
  byId("messages").hidden = place === "home";
  byId("home").hidden = place !== "home";
  reconcile(byId("home"), [{ user: chosenUser, blocks: homes[chosenUser]?.blocks }], (item) => item.user ?? "", drawHome);
  for (const tab of byId("places").children) {
    tab.setAttribute("aria-selected", tab.dataset.place === place);
    const unread = tab.dataset.place === "direct" && slack.messages.some((m) => m.channel === directChannel());
    tab.classList.toggle("has-news", unread && place !== "direct");
  }

  const scroll = byId("slack-scroll");
  const wasAtBottom = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 40;
  // An ephemeral message belongs to one person, so its ts alone might not be unique.
  reconcile(byId("messages"), messages, (m) => `${m.ts}/${m.ephemeral_to ?? ""}`, drawMessage);
  reconcile(byId("modals"), modals, (modal) => modal.id, drawModal);
  showClickState();
  if (wasAtBottom) scroll.scrollTop = scroll.scrollHeight;
}

function showUsers(users) {
  if (!users.some((user) => user.id === chosenUser)) chosenUser = users[0]?.id ?? null;
  reconcile(byId("users"), users, (user) => user.id, ({ id, name }) => {
    const radio = el("input", { type: "radio", name: "user", value: id, checked: id === chosenUser });
    radio.addEventListener("change", () => {
      chosenUser = id;
      openPlace(place);
    });
    return el("label", {}, radio, el("span", {}, capitalised(name)));
  });
}

const capitalised = (name) => name.charAt(0).toUpperCase() + name.slice(1);

/** A sentence per thing that happened, for people who do not see the panels change. */
function announce(before, next) {
  const statusBefore = new Map(before.executions.map((e) => [e.arn, e.status]));
  const mailsBefore = new Set(before.inbox.map((mail) => mail.id));
  const messagesBefore = new Set(before.slack.messages.map((message) => message.ts));
  const sentences = [
    ...next.executions.filter((e) => e.status !== statusBefore.get(e.arn))
      .map((e) => `Execution ${e.name}: ${STATUS_LABELS[e.status] ?? e.status}.`),
    ...next.inbox.filter((mail) => !mailsBefore.has(mail.id)).map((mail) => `New email: ${mail.subject}.`),
    ...next.slack.messages.filter((m) => !messagesBefore.has(m.ts)).map(() => "New Slack message."),
  ];
  if (sentences.length) byId("announcer").textContent = sentences.join(" ");
}

// ---------------------------------------------------------------- the form

function setUpForm() {
  byId("examples").append(...EXAMPLES.map(([label, input]) => {
    const text = JSON.stringify(input, null, 2);
    const chip = el("button", { type: "button", class: "chip", "data-text": text }, label);
    chip.addEventListener("click", () => setInput(text));
    return chip;
  }));
  byId("hint-type").addEventListener("click", typeInSlack);
  setInput(byId("examples").firstElementChild.dataset.text);
  byId("input").addEventListener("input", inputChanged);
  byId("start-form").addEventListener("submit", (event) => {
    event.preventDefault();
    start();
  });
}

function setInput(text) {
  byId("input").value = text;
  inputChanged();
}

function inputChanged() {
  const text = byId("input").value;
  for (const chip of byId("examples").children) {
    chip.setAttribute("aria-pressed", chip.dataset.text === text);
  }
  showHint();
  // No new problem while the user types, but a fixed one goes away.
  if (parseInput().error === undefined) showFormProblem("");
}

/** What to do beside the chosen example: a command for Slack, or one for a terminal with the name of the execution. */
function showHint(name = "NAME") {
  const pressed = [...byId("examples").children].findIndex((chip) => chip.getAttribute("aria-pressed") === "true");
  const [, , hint] = EXAMPLES[pressed] ?? [];
  byId("hint").hidden = !hint;
  if (!hint) return;
  const lacksPolicy = hint.needsPolicy && !state?.policy;
  setText(byId("hint-why"), lacksPolicy ? "Overrides need a policy. Start the demo with: make demo ARGS=--policy" : hint.why);
  const command = hint.before ?? (hint.after ? `${state?.approvals ?? ""} ${hint.after(name)}` : "");
  setText(byId("hint-command"), lacksPolicy ? "" : command);
  byId("hint-type").hidden = !hint.before || !state?.slack.channel_id;
}

/** Put the hint's command into Slack, as Alice, who then sends it. */
function typeInSlack() {
  const alice = state.users.find(({ name }) => name === "alice");
  chosenUser = alice?.id ?? chosenUser;
  byId("users").querySelectorAll("input").forEach((radio) => { radio.checked = radio.value === chosenUser; });
  openPlace("channel");
  byId("said").value = byId("hint-command").textContent;
  byId("said").focus();
}

function parseInput() {
  try {
    return { input: JSON.parse(byId("input").value) };
  } catch (error) {
    return { error: `This is not valid JSON: ${error.message}` };
  }
}

function showFormProblem(text, inInput = false) {
  setText(byId("form-error"), text);
  byId("input").setAttribute("aria-invalid", inInput);
}

/** A name that says what is asked for: the title in short, and the time, because a name can be used only once. */
function nameFor(input) {
  const title = String(input?.Approval?.Title ?? "request");
  const words = title.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 40);
  return `${words || "request"}-${new Date().toISOString().slice(11, 19).replaceAll(":", "")}`;
}

async function start() {
  const { input, error } = parseInput();
  showFormProblem(error ?? "", error !== undefined);
  if (error !== undefined) return byId("input").focus();
  const button = byId("start-button");
  button.disabled = true;
  try {
    const name = byId("name").value.trim() || nameFor(input);
    wantedArn = (await post("/api/executions", { name, input })).arn;
    byId("name").value = ""; // a name can be used only once
    showHint(name);
    revealExecution();
  } catch (problem) {
    showFormProblem(problem.message);
  }
  button.disabled = false;
  if (document.activeElement === document.body) button.focus({ preventScroll: true });
}

// ---------------------------------------------------------------- talking to the server

async function post(path, body) {
  let response;
  try {
    response = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Demo": "page" }, // other origins can't send it
      body: JSON.stringify(body),
    });
  } catch {
    throw new Error("The server does not respond. Check that make demo is still running.");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error || `The server answered with status ${response.status}.`);
  return answer;
}

let statesSeen = 0;

async function loadState() {
  const seenBefore = statesSeen;
  const loaded = await fetch("/api/state")
    .then((response) => (response.ok ? response.json() : null))
    .catch(() => null); // the connection indicator already says so
  // An event that came in the meantime is newer than this answer.
  if (loaded && statesSeen === seenBefore) receive(loaded);
}

function receive(next) {
  statesSeen += 1;
  show(next);
}

function listen() {
  const events = new EventSource("/api/events");
  events.addEventListener("message", (event) => receive(JSON.parse(event.data)));
  events.addEventListener("open", () => {
    setText(byId("connection"), "");
    loadState(); // what changed while the connection was down
  });
  events.addEventListener("error", () => {
    setText(byId("connection"), "reconnecting…");
    // The browser retries a lost connection itself, but gives up after an HTTP error.
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
  });
}

setUpForm();
setUpSlack();
addEventListener("hashchange", followHash);
followHash();
listen();
