/* Replaces `form-data` in the bundles, by which axios sends forms; Onebuck sends none. */

export default class NoFormData {}
