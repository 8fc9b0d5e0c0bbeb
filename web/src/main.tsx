import { render } from 'preact';

render(<h1>Onebuck</h1>, document.getElementById('app') as HTMLElement);
