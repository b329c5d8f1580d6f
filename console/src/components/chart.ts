// The palette and the common bones of a time chart.
export interface Palette {
  ink: string;
  muted: string;
  line: string;
  panel: string;
  accent: string;
  accentSoft: string;
  second: string;
  over: string;
  font: string;
}

export function readPalette(element: HTMLElement): Palette {
  const style = getComputedStyle(element);
  const get = (name: string) => style.getPropertyValue(name).trim();
  return {
    ink: get('--ink'),
    muted: get('--ink-3'),
    line: get('--line-2'),
    panel: get('--panel'),
    accent: get('--accent'),
    accentSoft: get('--accent-soft'),
    second: get('--chart-2'),
    over: get('--over'),
    font: style.fontFamily,
  };
}

export function timeChart(p: Palette, options: { formatTime: (t: number) => string; yAxis: object | object[]; range?: { min?: number; max?: number; minInterval?: number } }): Record<string, unknown> {
  return {
    animation: false,
    textStyle: { fontFamily: p.font, color: p.muted },
    grid: { left: 8, right: 10, top: 26, bottom: 4, containLabel: true },
    tooltip: {
      trigger: 'axis',
      renderMode: 'richText',
      confine: true,
      backgroundColor: p.panel,
      borderColor: p.line,
      textStyle: { color: p.ink, fontSize: 12, fontFamily: p.font },
      axisPointer: { lineStyle: { color: p.muted } },
    },
    xAxis: {
      type: 'time',
      ...options.range,
      axisLine: { lineStyle: { color: p.line } },
      axisTick: { show: false },
      axisLabel: { color: p.muted, fontSize: 11, hideOverlap: true, formatter: (t: number) => options.formatTime(t) },
      splitLine: { show: false },
    },
    yAxis: options.yAxis,
  };
}

export function valueAxis(p: Palette, format: (v: number) => string, extra: object = {}): object {
  return {
    type: 'value',
    min: 0,
    splitNumber: 4,
    axisLabel: { color: p.muted, fontSize: 11, formatter: format },
    nameTextStyle: { color: p.muted, fontSize: 11, align: 'left' },
    splitLine: { lineStyle: { color: p.line } },
    ...extra,
  };
}

// The clock alone within two days, with the date beyond.
export function axisTime(spanMs: number): (t: number) => string {
  const two = (n: number) => String(n).padStart(2, '0');
  return (t) => {
    const d = new Date(t);
    const clock = `${two(d.getHours())}:${two(d.getMinutes())}`;
    if (spanMs <= 15 * 60000) return `${clock}:${two(d.getSeconds())}`;
    if (spanMs <= 48 * 3600000) return clock;
    return `${two(d.getMonth() + 1)}-${two(d.getDate())} ${clock}`;
  };
}
