// The decision: templates fill the facts, the button says what it will do, and on a phone the measures are a sheet.
const form = document.getElementById("decide");

if (form) {
  const facts = form.elements.facts;
  const button = form.querySelector("[data-decide]");
  const pane = form.closest(".mdec");
  const sheet = form.querySelector("[data-sheet-opener]");
  // What stands in the facts without anybody having written it: it gives way to another template.
  let filled = facts.value;

  const fill = (text) => {
    if (!text || facts.value.trim() !== filled.trim()) return;
    filled = text;
    facts.value = text;
    facts.dispatchEvent(new Event("input", { bubbles: true }));
  };

  // A measure names what was broken; the sentence stands there until a rule or a law is chosen.
  const lacksRule = () => {
    const radio = form.querySelector("[name=measure]:checked");
    return radio?.hasAttribute("data-needs-rule") && !form.elements.rule.value;
  };
  const askForRule = () => {
    const needed = form.querySelector("[data-rule-needed]");
    needed.hidden = !lacksRule();
    if (needed.hidden) {
      needed.classList.replace("wrong", "sub");
      form.elements.rule.removeAttribute("aria-invalid");
    }
  };

  const say = () => {
    const radio = form.querySelector("[name=measure]:checked");
    if (!radio) return;
    const words = button.querySelector("[data-words]");
    words.textContent = radio.dataset.verb;
    if (sheet) sheet.querySelector("[data-words]").textContent = radio.dataset.short;
    askForRule();
    form.dispatchEvent(new CustomEvent("console:measure", { detail: radio.value }));
    for (const part of form.querySelectorAll("[data-for-measure]")) {
      part.hidden = !part.dataset.forMeasure.split(" ").includes(radio.value);
    }
  };

  const rules = () => {
    const option = form.elements.rule.selectedOptions[0];
    const law = form.querySelector("[data-for-law]");
    if (law) law.hidden = option?.value !== "law";
    fill(option?.dataset.facts);
    askForRule();
  };

  form.addEventListener("change", (event) => {
    const { target } = event;
    if (target.name === "template") {
      const text = target.selectedOptions[0]?.dataset.text ?? "";
      if (text) {
        filled = facts.value;
        fill(text);
      }
    }
    if (target.name === "rule") rules();
    if (target.name === "measure") say();
  });
  say();
  rules();

  const show = (open) => {
    pane.dataset.sheet = open ? "open" : "shut";
    sheet.setAttribute("aria-expanded", String(open));
  };
  if (sheet && matchMedia("(max-width: 720px)").matches) {
    sheet.setAttribute("role", "button");
    // What is wrong with the form has to be seen at once.
    show(Boolean(form.querySelector("[aria-invalid], .problems")));
    sheet.addEventListener("click", (event) => {
      event.preventDefault();
      show(pane.dataset.sheet !== "open");
    });
    document.addEventListener("console:sheet", () => show(true));
    document.addEventListener("click", (event) => {
      if (!pane.contains(event.target)) show(false);
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") show(false);
    });
  }

  // One decision is one: a second press while the first is on its way does nothing.
  form.addEventListener("submit", (event) => {
    if (event.submitter?.hasAttribute("data-decide") && lacksRule()) {
      event.preventDefault();
      document.dispatchEvent(new Event("console:sheet"));
      form.querySelector("[data-rule-needed]").classList.replace("sub", "wrong");
      form.elements.rule.setAttribute("aria-invalid", "true");
      form.elements.rule.focus();
    } else if (form.dataset.sent) event.preventDefault();
    else if (event.submitter?.hasAttribute("data-decide")) form.dataset.sent = "1";
  });
  addEventListener("pageshow", () => delete form.dataset.sent);
}
