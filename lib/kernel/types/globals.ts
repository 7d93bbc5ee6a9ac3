/** Declarations of what the kernel adds to a cell's globals, and of tslab's display module. */
export const globalsDeclaration = `
type MimeBundle = Record<string, unknown>;
interface DisplayHandle {
  readonly id: string;
  /** Replaces what was shown, wherever it is shown. */
  update(value: unknown): void;
}
interface Display {
  /** Shows a value the way a cell shows its result. */
  (value: unknown, options?: { displayId?: string; metadata?: Record<string, unknown> }): DisplayHandle;
  html(html: string): DisplayHandle;
  markdown(markdown: string): DisplayHandle;
  latex(latex: string): DisplayHandle;
  svg(svg: string): DisplayHandle;
  /** A PNG as bytes or base64. */
  png(png: Uint8Array | string): DisplayHandle;
  /** A JPEG as bytes or base64. */
  jpeg(jpeg: Uint8Array | string): DisplayHandle;
  json(value: unknown): DisplayHandle;
  javascript(code: string): DisplayHandle;
  text(text: string): DisplayHandle;
  /** A figure; with the package convbook also as a picture. \`alt\` says what it shows. */
  vegaLite(specification: object, options?: { alt?: string; displayId?: string; metadata?: Record<string, unknown> }): DisplayHandle;
  plotly(figure: object, options?: { alt?: string; displayId?: string; metadata?: Record<string, unknown> }): DisplayHandle;
  /** A bundle of representations by media type. */
  raw(bundle: MimeBundle, options?: { displayId?: string; update?: boolean; metadata?: Record<string, unknown> }): DisplayHandle;
}
declare const display: Display;
/** Clears the output of the cell; with \`wait\`, when the next output comes. */
declare function clearOutput(wait?: boolean): void;
/** Asks the user for a line of text; null when it was cancelled. */
declare function prompt(message?: string, fallback?: string): string | null;
/** Asks the user for a line that is not shown, such as a password. */
declare function promptPassword(message?: string): string | null;
/** Asks the user for yes or no. */
declare function confirm(message?: string): boolean;
/** Shows the user a message until it was read. */
declare function alert(message?: string): void;
declare const widgets: {
  /** A progress bar that is updated in place; prints text where widgets are not shown. */
  progress(options?: { total?: number; description?: string; value?: number }): {
    value: number;
    description: string;
    update(value: number, description?: string): void;
    close(): void;
  };
  /** A slider; \`onChange\` is told of each new value. */
  slider(options?: {
    min?: number; max?: number; step?: number; value?: number; description?: string;
    onChange?: (value: number) => void;
  }): { value: number; description: string; onChange(listener: (value: number) => void): void; close(): void };
};
/** Jupyter's comms: messages between the kernel and the front-end. */
declare const comms: {
  registerTarget(name: string, onOpen: (comm: Comm, message: CommMessage) => void): void;
  open(target: string, data?: unknown, options?: { metadata?: Record<string, unknown>; buffers?: (ArrayBufferView | ArrayBuffer)[] }): Comm;
};
interface CommMessage { readonly data: any; readonly metadata: Record<string, unknown>; readonly buffers: readonly Uint8Array[] }
interface Comm {
  readonly id: string;
  readonly target: string;
  send(data: unknown, options?: { metadata?: Record<string, unknown>; buffers?: (ArrayBufferView | ArrayBuffer)[] }): void;
  onMessage(listener: (message: CommMessage) => void): void;
  onClose(listener: (message: CommMessage) => void): void;
  close(data?: unknown): void;
}
declare const $convbook: any;
declare module "tslab" {
  interface Versions { readonly tslab: string; readonly typescript: string; readonly node: string }
  /** The versions of tslab whose interface this is, of TypeScript, and of Node. */
  export const versions: Versions;
  export interface Display {
    javascript(s: string): void;
    html(s: string): void;
    markdown(s: string): void;
    latex(s: string): void;
    svg(s: string): void;
    png(b: Uint8Array): void;
    jpeg(b: Uint8Array): void;
    gif(b: Uint8Array): void;
    pdf(b: Uint8Array): void;
    text(s: string): void;
    /** Shows what any media type means; bytes become base64. */
    raw(contentType: string, b: string | Uint8Array | object): void;
  }
  export const display: Display;
  /** A display that shows one thing, and replaces it with each call. */
  export function newDisplay(id?: string): Display;
}
`;
