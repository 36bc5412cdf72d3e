// SPDX-License-Identifier: MIT
// The page is one file: after bundling, the script and the style are written into the HTML, and a
// Content-Security-Policy that names their hashes goes with them (in the page, and as dist/csp.txt
// for the server's header).
import { createHash } from 'node:crypto';
import { defineConfig, type Plugin } from 'vite';

const sha256 = (text: string) => `'sha256-${createHash('sha256').update(text, 'utf8').digest('base64')}'`;

function singleFile(): Plugin {
  return {
    name: 'single-file',
    enforce: 'post',
    generateBundle(_options, bundle) {
      let script = '';
      let style = '';
      for (const [name, output] of Object.entries(bundle)) {
        if (output.type === 'chunk') {
          if (script) this.error('more than one script: the page must stay a single bundle');
          script = output.code.trim().replace(/<\/(script)/gi, '<\\/$1').replace(/<!--/g, '<\\!--');
          delete bundle[name];
        } else if (name.endsWith('.css')) {
          style += String(output.source).trim().replace(/<\//g, '<\\/');
          delete bundle[name];
        }
      }
      const page = bundle['index.html'];
      if (page?.type !== 'asset') return this.error('index.html is missing from the bundle');
      const policy = [
        "default-src 'none'",
        `script-src ${sha256(script)}`,
        `style-src ${sha256(style)}`,
        "connect-src 'self'",
        'img-src data:',
        "base-uri 'none'",
        "form-action 'none'",
      ].join('; ');
      page.source = String(page.source)
        .replace(/\s*<script type="module"[^>]*><\/script>/, '')
        .replace(/\s*<link rel="stylesheet"[^>]*>/, '')
        .replace('<meta name="policy">', () => `<meta http-equiv="Content-Security-Policy" content="${policy}">`)
        .replace('</head>', () => `<style>${style}</style>\n<script type="module">${script}</script>\n</head>`);
      this.emitFile({ type: 'asset', fileName: 'csp.txt', source: `${policy}; frame-ancestors 'none'\n` });
    },
  };
}

export default defineConfig({
  build: {
    target: ['chrome123', 'firefox125', 'safari17.5'],
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    assetsInlineLimit: 1_000_000,
    reportCompressedSize: false,
  },
  plugins: [singleFile()],
  server: { proxy: { '/api': 'http://127.0.0.1:8080', '/health': 'http://127.0.0.1:8080', '/v1': 'http://127.0.0.1:8080' } },
});
