// What makes pages livelier. Everything works without it, but for what only a browser can know: its time zone.
(function () {
  "use strict";
  const language = document.documentElement.lang;
  const locale = navigator.languages.find(function (each) { return each.split("-")[0] === language; }) || language;
  const short = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  const exact = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "long" });

  // Times in the zone of the browser; the exact one when it is pointed at.
  function showTimes(root) {
    for (const time of root.querySelectorAll("time[datetime]:not([data-shown])")) {
      const when = new Date(time.dateTime);
      if (isNaN(when)) continue;
      time.textContent = short.format(when);
      time.title = exact.format(when) + " · " + time.dateTime;
      time.dataset.shown = "";
    }
  }

  // A second click on what is under way does nothing: the answer to the first may show what is shown once.
  const sent = new WeakMap();
  document.addEventListener("submit", function (event) {
    const form = event.target, now = Date.now();
    if (form.getAttribute("method") !== "post" || form.matches("[hx-post]")) return;
    if (now - (sent.get(form) || 0) < 5000) event.preventDefault(); else sent.set(form, now);
  });

  document.addEventListener("click", function (event) {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const told = document.getElementById(button.dataset.copy);
    const text = "value" in told ? told.value : told.textContent;
    const done = function () {
      const before = button.textContent;
      button.textContent = button.dataset.done;
      setTimeout(function () { button.textContent = before; }, 1500);
    };
    // Over plain HTTP from another machine browsers give no clipboard: what is to be copied is marked then.
    const mark = function () { getSelection().selectAllChildren(told); };
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, mark); else mark();
  });

  // How much of a file has gone up; then, that it is read. What comes down afterwards is told of in the same way.
  let isUp = false;
  document.addEventListener("htmx:xhr:loadstart", function () { isUp = false; });
  document.addEventListener("htmx:xhr:progress", function (event) {
    const going = document.getElementById("going-up"), told = event.detail;
    if (!going || isUp || !told.lengthComputable || told.total < 200000) return;
    const bar = going.querySelector("progress"), words = going.querySelector("p");
    isUp = told.loaded >= told.total;
    if (isUp) bar.removeAttribute("value"); else bar.value = told.loaded / told.total;
    words.textContent = isUp ? words.dataset.read : words.dataset.up;
    going.hidden = false;
  });
  document.addEventListener("htmx:afterRequest", function (event) {
    const going = document.getElementById("going-up");
    if (going && event.detail.requestConfig.verb === "post") going.hidden = true;
  });

  // A file that is dropped where text is pasted.
  document.addEventListener("dragover", function (event) {
    if (event.target.closest("[data-drop]")) event.preventDefault();
  });
  document.addEventListener("drop", function (event) {
    const place = event.target.closest("[data-drop]");
    const file = event.dataTransfer.files[0];
    if (!place || !file) return;
    event.preventDefault();
    file.text().then(function (text) {
      place.value = text;
      place.dispatchEvent(new Event("input", { bubbles: true }));
    });
  });

  // A file that was chosen before this was there: nobody has heard of it yet.
  document.addEventListener("DOMContentLoaded", function () {
    for (const input of document.querySelectorAll("form[hx-post] input[type=file]")) {
      if (input.files.length) input.dispatchEvent(new Event("change", { bubbles: true }));
    }
  });

  document.addEventListener("submit", function (event) {
    const question = event.target.dataset.confirm;
    if (question && !confirm(question)) event.preventDefault();
  });

  // The server may be restarted while a page is open: it says so, looks again, and goes on.
  let waiting = false;
  function lost() {
    if (waiting) return;
    waiting = true;
    const away = document.getElementById("away");
    away.textContent = away.dataset.away;
    away.classList.add("shown");
    const look = function () {
      fetch("/healthz", { cache: "no-store" }).then(function (answer) {
        if (!answer.ok) throw new Error();
        waiting = false;
        away.textContent = away.dataset.back;
        setTimeout(function () { away.classList.remove("shown"); away.textContent = ""; }, 3000);
        document.body.dispatchEvent(new CustomEvent("back"));
      }).catch(function () { setTimeout(look, 1000); });
    };
    setTimeout(look, 1000);
  }
  document.addEventListener("htmx:sendError", lost);

  // A problem is an answer as well: it is shown where the answer would be.
  // What is only looked at anew stays as it is while the service, or the proxy before it, fails.
  document.addEventListener("htmx:beforeSwap", function (event) {
    const answer = event.detail.xhr;
    if (answer.status >= 500 && event.detail.requestConfig.verb === "get") {
      event.detail.shouldSwap = false;
      lost();
    } else if (answer.status >= 400 && (answer.getResponseHeader("Content-Type") || "").startsWith("text/html")) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });
  // What somebody opened stays open when it is shown anew.
  let opened = [];
  document.addEventListener("htmx:beforeSwap", function (event) {
    const shown = event.detail.target.querySelectorAll("details[open][id]");
    opened = Array.from(shown, function (each) { return each.id; });
  });
  document.addEventListener("htmx:afterSwap", function () {
    for (const id of opened) {
      const again = document.getElementById(id);
      if (again) again.open = true;
    }
  });
  document.addEventListener("htmx:load", function (event) { showTimes(event.detail.elt); });
  showTimes(document);
})();
