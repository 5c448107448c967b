/** URLs as browsers read them, but for names of hosts that are not ASCII. The package brings no types. */
declare module 'whatwg-url-without-unicode' {
  export const URL: typeof globalThis.URL
  export const URLSearchParams: typeof globalThis.URLSearchParams
}
