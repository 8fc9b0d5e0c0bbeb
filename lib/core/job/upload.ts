import * as z from 'zod/mini';
import { wholeNumber } from '../base/fields.ts';

/** What S3 takes in one PUT. */
export const UPLOAD_BYTES_MAX = 5_000_000_000;

export const uploadShape = {
  bytes: wholeNumber(
    1,
    UPLOAD_BYTES_MAX,
    'The size of the tar.gz, which the PUT must have exactly.',
  ),
};

/** The body of a request for an upload. */
export const uploadRequestSchema = z.strictObject(uploadShape);
