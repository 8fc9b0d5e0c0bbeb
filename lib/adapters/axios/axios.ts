/*
 * Axios looks at the globals of fetch while it is loaded, though only its adapter of Node's http is
 * used; and who looks at them has Node load all of fetch, which takes longer than all of axios. So
 * they are taken away meanwhile.
 */
import './without-fetch.ts';
import axios from 'axios';
import { showFetch } from './without-fetch.ts';

showFetch();

export default axios;
