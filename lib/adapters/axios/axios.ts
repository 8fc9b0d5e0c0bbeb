/*
 * Axios reads the globals of fetch while it is loaded, although only its adapter of Node's http is
 * used. The first read makes Node load all of fetch, which takes longer than loading axios. So the
 * globals are hidden meanwhile.
 */
import './without-fetch.ts';
import axios from 'axios';
import { showFetch } from './without-fetch.ts';

showFetch();

export default axios;
