// How far each group of a swarm had got, over time, as a picture: a line for its median, a band from its slowest to its
// quickest member.
import type { ProgressRecorder, ProgressSample } from './progress-recorder.ts'

const WIDTH = 760
const HEIGHT = 400
const LEFT = 52
const RIGHT = 20
const TOP = 44
const BOTTOM = 48
const COLOURS = ['#1f6fb4', '#d1661a', '#2d8a3e', '#a53a8c', '#8a6d1f', '#5a5a5a']
const STEPS = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600]
const MOST_TICKS = 10

/** An SVG document. Numbers are rounded, so that the same run gives the same text. */
export function progressChart(title: string, progress: ProgressRecorder): string {
  const groups = [...progress.groups]
  const endMs = Math.max(1000, ...groups.map(([, samples]) => samples.at(-1)!.timeMs))
  const x = (timeMs: number): string => (LEFT + (timeMs / endMs) * (WIDTH - LEFT - RIGHT)).toFixed(1)
  const y = (part: number): string => (HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM)).toFixed(1)

  const drawn = groups.flatMap(([group, samples], i) => {
    const colour = COLOURS[i % COLOURS.length]
    const line = (valueOf: (sample: ProgressSample) => number): string[] =>
      samples.map((sample) => `${x(sample.timeMs)},${y(valueOf(sample))}`)
    const band = [...line(({ quickest }) => quickest), ...line(({ slowest }) => slowest).reverse()]
    return [
      `<polygon points="${band.join(' ')}" fill="${colour}" fill-opacity="0.2"/>`,
      `<polyline points="${line(({ median }) => median).join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      `<text x="${LEFT + 10}" y="${TOP + 16 + 18 * i}" fill="${colour}">${escapeXml(group)}</text>`,
    ]
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${LEFT}" y="24" font-size="15" font-weight="bold">${escapeXml(title)}</text>`,
    ...grid(endMs, x, y),
    ...drawn,
    '</svg>\n',
  ].join('\n')
}

function grid(endMs: number, x: (timeMs: number) => string, y: (part: number) => string): string[] {
  const step = STEPS.find((seconds) => endMs / 1000 / seconds <= MOST_TICKS) ?? 36_000
  const seconds = Array.from({ length: Math.floor(endMs / 1000 / step) + 1 }, (_, i) => i * step)
  const right = WIDTH - RIGHT
  return [
    ...[0, 0.25, 0.5, 0.75, 1].flatMap((part) => [
      `<line x1="${LEFT}" x2="${right}" y1="${y(part)}" y2="${y(part)}" stroke="#ddd"/>`,
      `<text x="${LEFT - 6}" y="${y(part)}" dy="4" text-anchor="end" fill="#555">${100 * part} %</text>`,
    ]),
    ...seconds.map(
      (second) =>
        `<text x="${x(1000 * second)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle" fill="#555">${second} s</text>`,
    ),
    `<text x="${right}" y="${HEIGHT - 8}" text-anchor="end" fill="#555">verified part of the content; line: median, band: slowest to quickest</text>`,
  ]
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
