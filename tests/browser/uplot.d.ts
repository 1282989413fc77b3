// What the console uses of uPlot (src/wrtcgw/browser/vendor/uplot), for check_types.mjs.

export default class uPlot {
  constructor(options: object, data: unknown[], place: Element);
  readonly width: number;
  readonly data: (number | null)[][];
  setData(data: unknown[]): void;
  setSize(size: { width: number; height: number }): void;
  redraw(rebuildPaths?: boolean): void;
  destroy(): void;
}
