/* In bundles in place of `form-data`, which axios would load to send forms: nothing here does. */

export default class NoFormData {}
