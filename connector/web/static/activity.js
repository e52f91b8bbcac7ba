// The charts of the page Activity, from the numbers that the API gives.
(function () {
  "use strict";
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const language = document.documentElement.lang;
  const locale = navigator.languages.find(function (each) { return each.split("-")[0] === language; }) || language;
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  const exact = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  const drawn = [];

  // Hours of a day, or days of a month, as they are written here.
  function axes(ink, line, span) {
    const common = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
    const moment = new Intl.DateTimeFormat(locale, span < 86400 ? { hour: "2-digit", minute: "2-digit" } : { day: "numeric", month: "short" });
    const times = function (_, all) { return all.map(function (each) { return moment.format(each * 1000); }); };
    return [Object.assign({ space: 60, values: times }, common), Object.assign({ size: 56, values: function (_, all) { return all.map(function (each) { return Number.isInteger(each) ? whole.format(each) : ""; }); } }, common)];
  }

  function chart(place, span, spans, series) {
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue("--muted").trim(), line = style.getPropertyValue("--line").trim();
    const times = spans.map(function (each) { return Date.parse(each.at) / 1000; });
    const bars = uPlot.paths.bars({ size: [0.7, 40], align: 1 });
    const told = series.map(function (each) {
      const paths = each.line ? undefined : bars;
      return { label: each.label, value: toldOf(each, spans), stroke: each.colour, fill: each.line ? undefined : each.colour + "cc", width: each.line ? 2 : 0, paths: paths, points: { show: false }, dash: each.line ? [6, 4] : undefined };
    });
    const values = series.map(function (each) { return spans.map(each.of); });
    place.replaceChildren();
    const options = {
      width: place.clientWidth, height: place.clientHeight - 30, cursor: { drag: { x: false, y: false } },
      scales: { x: { range: [times[0], times[times.length - 1] + span] }, y: { range: function (_, low, high) { return [0, Math.max(4, high * 1.1)]; } } },
      axes: axes(ink, line, span),
      series: [{ label: place.dataset.time, value: function (_, at) { return at === null ? chosen() : exact.format(at * 1000); } }].concat(told),
    };
    drawn.push([new uPlot(options, [times].concat(values), place), place]);
  }

  // What the legend tells of a series: its own number where it is pointed at, else that of the whole time; of a line,
  // which is the same everywhere, always that.
  function toldOf(series, spans) {
    const own = series.own || series.of;
    const all = series.line ? own(spans[0]) : spans.reduce(function (sum, each) { return sum + own(each); }, 0);
    return function (_, height, __, index) { return whole.format(index === null ? all : own(spans[index])); };
  }

  function chosen() {
    const select = document.getElementById("period");
    return select.options[select.selectedIndex].text;
  }

  // Bars stand behind each other, so each is as high as itself and all that are below it.
  function stacked(names) {
    return function (each) { return names.reduce(function (sum, name) { return sum + each[name]; }, 0); };
  }

  function show(period) {
    fetch("/activity/numbers?period=" + period).then(function (answer) {
      if (!answer.ok) throw new Error();
      return answer.json();
    }).then(function (told) {
      if (period !== document.getElementById("period").value) return;
      for (const [plot] of drawn) plot.destroy();
      drawn.length = 0;
      const outcomes = document.getElementById("chart-outcomes"), calls = document.getElementById("chart-calls");
      const words = outcomes.dataset;
      const span = told.span_seconds;
      const failed = ["rejected", "dead"], written = failed.concat("created", "updated"), same = ["unchanged", "superseded"], all = written.concat(same);
      chart(outcomes, span, told.spans, [
        { label: words.same, colour: "#8a97a8", of: stacked(all), own: stacked(same) },
        { label: words.written, colour: "#2f9e5f", of: stacked(written), own: stacked(["created", "updated"]) },
        { label: words.failed, colour: "#d14a3f", of: stacked(failed) },
      ]);
      const allowed = told.quota_per_day * span / 86400;
      chart(calls, span, told.spans, [
        { label: calls.dataset.calls, colour: "#2f7dd1", of: function (each) { return each.calls; } },
        { label: calls.dataset.quota, colour: "#d9a531", line: true, of: function () { return allowed; } },
      ]);
      const rows = told.spans.filter(function (each) { return stacked(all)(each) || each.calls; }).map(function (each) {
        const row = document.createElement("tr");
        const when = document.createElement("time");
        when.dateTime = each.at;
        when.textContent = new Date(each.at).toLocaleString(locale);
        const cells = [when, stacked(written)(each) - stacked(failed)(each), each.unchanged + each.superseded, stacked(failed)(each), each.calls];
        for (const cell of cells) {
          const place = document.createElement("td");
          place.append(cell instanceof Node ? cell : whole.format(cell));
          row.append(place);
        }
        return row;
      });
      document.getElementById("chart-rows").replaceChildren.apply(document.getElementById("chart-rows"), rows);
    }).catch(function () { document.getElementById("chart-outcomes").textContent = document.getElementById("chart-outcomes").dataset.none; });
  }

  const period = document.getElementById("period");
  if (!period) return;
  period.addEventListener("change", function () { show(period.value); });
  dark.addEventListener("change", function () { show(period.value); });
  addEventListener("resize", function () {
    for (const [plot, place] of drawn) plot.setSize({ width: place.clientWidth, height: place.clientHeight - 30 });
  });
  show(period.value);
})();
