// Charts out of the numbers that stand beside them; without scripts the numbers are there all the same.
(() => {
  const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const COLOURS = ["--blue", "--green", "--amber", "--violet", "--red"];
  const FORMATS = {
    share: (value) => `${(100 * value).toFixed(0)}%`,
    usd: (value) => `$${value < 1 ? value.toFixed(3) : value.toFixed(2)}`,
    count: (value) => value.toLocaleString(),
    points: (value) => `${value > 0 ? "+" : ""}${(100 * value).toFixed(1)}`,
    plain: (value) => `${value > 0 ? "+" : ""}${Number(value.toPrecision(3))}`,
  };

  // A stack is drawn from the top down, each layer covering the rest of the one above it.
  const stacked = (lines) => {
    const sums = lines[0]?.values.map(() => 0) ?? [];
    return lines.map((line) => line.values.map((value, at) => (sums[at] += value))).reverse();
  };

  const draw = (figure) => {
    const told = JSON.parse(figure.dataset.chart);
    const place = figure.querySelector(".plot");
    const format = FORMATS[told.unit];
    const stack = told.kind === "stack";
    const match = told.kind === "match"; // of what was predicted with what came: the dashed line is where they agree
    const signed = told.kind === "interval"; // of a difference, around zero, at moments instead of days
    const days = match ? told.x : told.x.map((day) => Date.parse(signed ? day : `${day}T00:00:00`) / 1000);
    const brief = signed && days.at(-1) - days[0] < 2 * 86400; // then days would all read the same
    const lines = stack ? [...told.lines].reverse() : told.lines;
    const colour = (at) => ink(COLOURS[(stack ? told.lines.length - 1 - at : at) % COLOURS.length]);
    const data = [days, ...(stack ? stacked(told.lines) : lines.map((line) => line.values))];
    const series = [
      { label: figure.dataset.x, value: (_, at) => (at == null ? "" : match ? format(at) : new Date(1000 * at).toLocaleDateString()) },
      ...lines.map((line, at) => ({
        label: line.label,
        stroke: colour(at),
        width: 2,
        fill: stack ? colour(at) : undefined,
        points: { show: match || days.length < 3, size: 7 },
        value: (_, __, ___, index) => (index == null || line.values[index] == null ? "–" : format(line.values[index])),
      })),
    ];
    const bands = [];
    for (const line of lines.filter((line) => line.low)) {
      data.push(line.high, line.low);
      for (const edge of ["high", "low"]) series.push({ label: edge, stroke: "transparent", points: { show: false } });
      bands.push({ series: [data.length - 2, data.length - 1], fill: `color-mix(in srgb, ${colour(0)} 18%, transparent)` });
    }
    if (told.target != null || match) {
      data.push(days.map((at) => (match ? at : told.target)));
      series.push({ label: "target", stroke: ink("--dim"), dash: [6, 6], width: 1, points: { show: false } });
    }
    const axis = { stroke: ink("--dim"), grid: { stroke: ink("--line"), width: 1 }, ticks: { stroke: ink("--line") } };
    const options = {
      width: place.clientWidth,
      height: 220,
      cursor: { points: { show: !stack } },
      legend: { live: true },
      scales: { x: match ? { time: false, range: [0, 1] } : {}, y: { range: signed ? (_, min, max) => [1.08 * Math.min(min ?? 0, 0), 1.08 * Math.max(max ?? 0, 0.001)] : told.unit === "share" ? [0, 1] : (_, __, max) => [0, Math.max(1.08 * (max ?? 0), 0.001)] } },
      axes: [
        match ? { ...axis, values: (_, ticks) => ticks.map(format) } : { ...axis, values: (_, ticks) => ticks.map((at) => { const day = new Date(1000 * at); return brief ? `${day.getHours()}:00` : `${day.getMonth() + 1}/${day.getDate()}`; }) },
        { ...axis, size: 60, values: (_, ticks) => ticks.map(format) },
      ],
      series,
      bands,
    };
    place.replaceChildren();
    const plot = new uPlot(options, data, place);
    // Edges of a band and the target explain themselves; the legend names what was measured.
    [...place.querySelectorAll(".u-legend .u-series")].forEach((row, at) => {
      if (at > lines.length) row.hidden = true;
    });
    return plot;
  };

  const figures = [...document.querySelectorAll("figure[data-chart]")];
  const plots = new Map();
  const drawAll = () => figures.forEach((figure) => {
    plots.get(figure)?.destroy();
    plots.set(figure, draw(figure));
  });
  drawAll();
  let waiting;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(drawAll, 150);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
})();
