// SPDX-License-Identifier: MIT
// Starts the page: the live one on a server, or a saved replay with its runs inside.
import { render } from 'preact';
import { App } from './app.tsx';
import { embeddedReplay } from './export.ts';
import { applyPrefs, loadPrefs } from './prefs.ts';
import { SavedReplay } from './saved-replay.tsx';
import './style.css';

applyPrefs(loadPrefs());
const root = document.getElementById('app');
const replay = embeddedReplay();
if (root) render(replay ? <SavedReplay turn={replay} /> : <App />, root);
