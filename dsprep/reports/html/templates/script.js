"use strict";
// What this adds is a convenience: all that the page has to say is there without it. It puts text into the page, never
// markup, and asks for nothing.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const show = (element, yes = true) => { if (element) element.hidden = !yes; };

  // Characters that nobody sees, or that turn text around, as the page writes them.
  const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Cn}\p{Co}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0]/gu;
  const short = new Map([["\n", "\\n"], ["\r", "\\r"], ["\t", "\\t"]]);
  const visible = (text) => String(text).replace(hidden, (character) => {
    const code = character.codePointAt(0).toString(16);
    const written = code.length > 4 ? "\\U" + code.padStart(8, "0") : code.length > 2 ? "\\u" + code.padStart(4, "0") : "\\x" + code.padStart(2, "0");
    return short.get(character) ?? written;
  });

  // Copying.
  const copied = async (button, text) => {
    const before = button.textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(button.previousElementSibling);
      const selection = getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      if (!document.execCommand("copy")) return;
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = before; }, 1500);
  };
  for (const button of $$("button.copy")) {
    const code = button.previousElementSibling;
    button.setAttribute("aria-label", `Copy: ${code.textContent}`);
    button.addEventListener("click", () => copied(button, code.textContent));
    show(button);
  }

  // The JSON report.
  const element = $("#dsprep-report");
  let data = null;
  const report = () => (data ??= element ? JSON.parse(element.textContent) : { findings: [] });
  const save = $("#save");
  if (save) {
    save.addEventListener("click", () => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([element.textContent], { type: "application/json" }));
      link.download = "report.json";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
    show(save.parentElement);
  }

  // Links to places in the page unfold what they lead to.
  const unfolded = (place) => {
    if (!place) return;
    for (let at = place; at; at = at.parentElement) if (at.localName === "details") at.open = true;
  };
  const target = () => {
    const place = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!place) return;
    if (place.closest("[hidden]")) clear();
    unfolded(place);
    place.scrollIntoView();
  };

  // Finding.
  const bar = $(".filter");
  const rules = $$("details.rule");
  const field = { text: $("#find-text"), rule: $("#find-rule"), file: $("#find-file") };
  const toggles = $$("button.toggle");
  const status = $(".found");
  const none = $(".none");
  const MOST_MORE = 50;
  const examples = new Map(rules.map((rule) => [rule, $$(".example", rule).map((item) => ({
    item,
    text: item.textContent.toLowerCase(),
    severity: item.dataset.severity,
    file: item.dataset.file,
  }))]));
  const heads = new Map(rules.map((rule) => [rule, `${$(".code", rule).textContent} ${$(".name", rule).textContent}`.toLowerCase()]));

  // Findings of a rule that are in the JSON report and not among its examples.
  let others = null;
  const beyond = (rule) => {
    if (!others) {
      others = new Map();
      for (const finding of report().findings) {
        const id = finding.code.toLowerCase();
        if (!others.has(id)) others.set(id, []);
        others.get(id).push(finding);
      }
      for (const [id, found] of others) {
        const shown = document.getElementById(id);
        others.set(id, found.slice(shown ? examples.get(shown).length : 0).map((finding) => {
          const at = finding.location;
          const place = visible(at.path) + (at.line === null ? (at.row ? ` row ${at.row}` : "") : `:${at.line}`);
          const said = visible(finding.message);
          const quoted = finding.args.excerpt === undefined ? "" : visible(finding.args.excerpt);
          return { place, said, text: `${place} ${said} ${quoted}`.toLowerCase(), severity: finding.severity, file: visible(at.path) };
        }));
      }
    }
    return others.get(rule.id) ?? [];
  };

  const listed = (rule, found) => {
    $(".beyond", rule)?.remove();
    if (!found.length) return;
    const box = document.createElement("div");
    box.className = "beyond";
    const head = document.createElement("p");
    head.textContent = `${found.length.toLocaleString("en")} more in the JSON report of this page:`;
    const list = document.createElement("ul");
    for (const { place, said } of found.slice(0, MOST_MORE)) {
      const item = document.createElement("li");
      const code = document.createElement("code");
      const text = document.createElement("bdi");
      code.textContent = place;
      text.textContent = said;
      item.append(code, " ", text);
      list.append(item);
    }
    box.append(head, list);
    if (found.length > MOST_MORE) {
      const rest = document.createElement("p");
      rest.textContent = `and ${(found.length - MOST_MORE).toLocaleString("en")} more`;
      box.append(rest);
    }
    $(".rest", rule).before(box);
  };

  // What was folded before somebody searched is folded again after it.
  let before = null;
  const filter = () => {
    const words = field.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const only = field.rule.value;
    const file = field.file ? field.file.value : "";
    const severities = new Set(toggles.filter((toggle) => toggle.getAttribute("aria-pressed") === "true").map((toggle) => toggle.dataset.severity));
    const all = !toggles.length || severities.size === toggles.length;
    const active = words.length > 0 || only || file || !all;
    const fits = (one, head) =>
      (all || severities.has(one.severity)) && (!file || one.file === file) && words.every((word) => one.text.includes(word) || head.includes(word));
    if (active && !before) before = new Map($$("details", $("#findings")).map((details) => [details, details.open]));
    let shown = 0;
    let more = 0;
    let ruled = 0;
    for (const rule of rules) {
      const there = !only || rule.id === only;
      let here = 0;
      for (const one of examples.get(rule)) {
        const fit = there && fits(one, heads.get(rule));
        show(one.item, fit);
        here += fit;
      }
      const found = active && there ? beyond(rule).filter((one) => fits(one, heads.get(rule))) : [];
      listed(rule, found);
      show(rule, here + found.length > 0);
      ruled += here + found.length > 0;
      shown += here;
      more += found.length;
      for (const fold of $$("details.fold", rule)) {
        const any = $$(".example", fold).some((item) => !item.hidden);
        show(fold, any);
        if (active && words.length && any) fold.open = true;
      }
      if (active && (words.length || only) && here + found.length) rule.open = true;
    }
    if (!active && before) {
      for (const [details, open] of before) details.open = open;
      before = null;
    }
    show(none, active && !ruled);
    const count = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;
    status.textContent = active ? `${count(shown + more, "finding")} by ${count(ruled, "rule")} ${shown + more === 1 ? "matches" : "match"}.` : "";
  };
  const clear = () => {
    field.text.value = field.rule.value = "";
    if (field.file) field.file.value = "";
    for (const toggle of toggles) toggle.setAttribute("aria-pressed", "true");
    filter();
  };
  const fold = (open) => { for (const details of $$("#findings details")) details.open = open; };

  if (bar) {
    let timer = 0;
    field.text.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(filter, 120); });
    field.rule.addEventListener("change", filter);
    field.file?.addEventListener("change", filter);
    for (const toggle of toggles) {
      toggle.addEventListener("click", () => {
        toggle.setAttribute("aria-pressed", String(toggle.getAttribute("aria-pressed") !== "true"));
        filter();
      });
    }
    $("#unfold").addEventListener("click", () => fold(true));
    $("#fold").addEventListener("click", () => fold(false));
    $("#clear").addEventListener("click", () => { clear(); field.text.focus(); });
    show(bar);
  }

  // Keys: / searches, Escape clears. Among the findings, or where nothing has the focus, e and c unfold and fold, and j
  // and k go from rule to rule.
  const step = (by) => {
    const there = rules.filter((rule) => !rule.hidden).map((rule) => $("summary", rule));
    if (!there.length) return;
    const now = there.indexOf(document.activeElement);
    there[now < 0 ? (by > 0 ? 0 : there.length - 1) : Math.min(Math.max(now + by, 0), there.length - 1)].focus();
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !bar) return;
    const writing = event.target.closest("input, select, textarea");
    if (event.key === "Escape" && writing) { clear(); return; }
    if (writing) return;
    const keys = { "/": () => { field.text.focus(); field.text.select(); bar.scrollIntoView({ block: "nearest" }); } };
    if (event.target === document.body || event.target.closest("#findings")) {
      Object.assign(keys, { e: () => fold(true), c: () => fold(false), j: () => step(1), k: () => step(-1) });
    }
    if (!Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });

  // On paper everything is unfolded, and nothing filtered away.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = $$("details:not([open])");
    for (const details of folded) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of folded) details.open = false;
    folded = [];
  });

  addEventListener("hashchange", target);
  document.addEventListener("click", (event) => {
    // A second click on the same link does not change the address.
    const link = event.target.closest('a[href^="#"]');
    if (link && link.hash === location.hash) target();
  });
  if (location.hash) target();
})();
