import '@fontsource-variable/instrument-sans/wght.css';
import './base.css';
import './views.css';
import { render } from 'preact';
import { App } from './app.tsx';

render(<App />, document.getElementById('app') as HTMLElement);
