// SPDX-License-Identifier: MIT
// Small things kept in the browser; a browser that keeps nothing is served just as well.

export function readStored<T>(name: string, otherwise: T): T {
  try {
    const text = localStorage.getItem(name);
    return text === null ? otherwise : (JSON.parse(text) as T);
  } catch {
    return otherwise;
  }
}

export function writeStored(name: string, value: unknown): void {
  try {
    localStorage.setItem(name, JSON.stringify(value));
  } catch {
    // private windows and saved files may refuse storage
  }
}

/** Texts that this tab keeps, through reloads; '' where there is none. */
export function readTab(name: string): string {
  try {
    return sessionStorage.getItem(name) ?? '';
  } catch {
    return '';
  }
}

export function writeTab(name: string, text: string): void {
  try {
    sessionStorage.setItem(name, text);
  } catch {
    // as above
  }
}
