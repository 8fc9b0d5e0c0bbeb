import * as z from 'zod/mini';
import type {
  ZodOpenApiOperationObject,
  ZodOpenApiPathsObject,
  ZodOpenApiRequestBodyObject,
  ZodOpenApiResponseObject,
} from 'zod-openapi';
import { createDocument } from 'zod-openapi';
import type { Settings } from '../settings.ts';
import { examples, problemExamples } from './examples.ts';
import { type Answer, type Operation, operations, type RequestBody } from './operations.ts';
import {
  clusterSchema,
  gatewaySchema,
  imageSchema,
  problemSchema,
  quoteSchema,
  regionSchema,
  scheduleSchema,
  typeSchema,
} from './schemas.ts';

/** The API as OpenAPI 3.1, with the limits of this deployment. */
export function describeApi(settings: Settings) {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  const bodyOf = bodies(settings);
  for (const operation of Object.values(operations) as Operation[]) {
    const path = paths[operation.path] ?? {};
    paths[operation.path] = {
      ...path,
      [operation.method.toLowerCase()]: describe(operation, bodyOf),
    };
  }
  return createDocument({
    openapi: '3.1.1',
    info: {
      title: 'Onebuck',
      version: '1',
      description:
        'Clusters of Linodes on a budget in US dollars, destroyed before Linode bills more. ' +
        'Money is in USD with at most 6 decimals, times are ISO 8601 in UTC.',
    },
    paths: paths as ZodOpenApiPathsObject,
    components: {
      schemas: {
        Cluster: clusterSchema,
        Quote: quoteSchema,
        Type: typeSchema,
        Region: regionSchema,
        Image: imageSchema,
        Schedule: scheduleSchema,
        Problem: problemSchema,
        GatewayMessage: gatewaySchema,
      },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        agent: {
          type: 'http',
          scheme: 'bearer',
          description: "The token of a node's agent, which Onebuck puts on the node.",
        },
      },
    },
  });
}

/** One schema for each name, so that routes with the same body refer to one component. */
function bodies(settings: Settings): (body: RequestBody) => ZodOpenApiRequestBodyObject {
  const schemas = new Map<string, z.ZodMiniType>();
  return ({ name, schema, example }) => {
    const named = schemas.get(name) ?? schema(settings).check(z.meta({ id: name }));
    schemas.set(name, named);
    return { required: true, content: { 'application/json': { schema: named, example } } };
  };
}

function describe(
  operation: Operation,
  bodyOf: ReturnType<typeof bodies>,
): ZodOpenApiOperationObject {
  const { id, method, summary, description, access, answers, problems, body } = operation;
  const params = parametersOf(operation);
  return {
    operationId: id,
    summary,
    ...(description === undefined ? {} : { description }),
    security: access === 'open' ? [] : [{ [access === 'agent' ? 'agent' : 'bearer']: [] }],
    ...(params === null ? {} : { requestParams: params }),
    ...(body === null ? {} : { requestBody: bodyOf(body) }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => [
          status,
          describeAnswer(answer, examples[`${id} ${status}`]),
        ]),
      ),
      ...(access === 'open' || method !== 'GET' ? {} : { 303: toTheConsole }),
      ...Object.fromEntries(
        [...(access === 'open' ? [] : [401, 403]), ...problems, 429, 500, 503].map((status) => [
          status,
          ofProblem(status, status !== 429 || problems.includes(429)),
        ]),
      ),
    },
  } as ZodOpenApiOperationObject;
}

function parametersOf({ path, query, headers }: Operation) {
  const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const hasFields = (schema: z.ZodMiniObject) => Object.keys(schema.shape).length > 0;
  if (named.length === 0 && !hasFields(query) && !hasFields(headers)) return null;
  const fields = Object.fromEntries(named.map((name) => [name, z.string()]));
  return {
    ...(named.length === 0 ? {} : { path: z.object(fields) }),
    ...(hasFields(query) ? { query } : {}),
    ...(hasFields(headers) ? { header: headers } : {}),
  };
}

function describeAnswer(
  { description, json, text, headers = {} }: Answer,
  example: unknown,
): ZodOpenApiResponseObject {
  const content = {
    ...(json === undefined ? {} : { 'application/json': { schema: json, example } }),
    ...(text === undefined ? {} : { 'text/plain': { schema: z.string().check(z.describe(text)) } }),
  };
  return {
    description,
    ...(Object.keys(headers).length === 0
      ? {}
      : {
          headers: Object.fromEntries(
            Object.entries(headers).map(([name, meaning]) => [
              name,
              { description: meaning, required: true, schema: { type: 'string' } },
            ]),
          ),
        }),
    ...(Object.keys(content).length === 0 ? {} : { content }),
  };
}

const toTheConsole: ZodOpenApiResponseObject = {
  description:
    'To a request without a token that accepts text/html, as a browser sends it: the console, which ' +
    'asks for a token.',
  headers: {
    location: {
      description: 'The path of the console.',
      required: true,
      schema: { type: 'string' },
    },
  },
};

/** The statuses that API Gateway may answer by itself, in words of its own. */
const GATEWAY_STATUSES = [429, 500, 503];

/** `isOurs`: the function may answer so, too, with a problem. */
const ofProblem = (status: number, isOurs: boolean): ZodOpenApiResponseObject => ({
  description: problemTexts[status] ?? '',
  content: {
    ...(isOurs && {
      'application/problem+json': { schema: problemSchema, example: problemExamples[status] },
    }),
    ...(GATEWAY_STATUSES.includes(status)
      ? { 'application/json': { schema: gatewaySchema, example: gatewayExamples[status] } }
      : {}),
  },
});

const gatewayExamples: Readonly<Record<number, unknown>> = {
  429: { message: 'Too Many Requests' },
  500: { message: 'Internal Server Error' },
  503: { message: 'Service Unavailable' },
};

const problemTexts: Readonly<Record<number, string>> = {
  400: 'The request has faults; `errors` lists them all.',
  401: 'The request has no token.',
  403: 'The token is unknown, has expired, or may not do this.',
  404: 'You have nothing by that id.',
  409: 'The request conflicts with the present state.',
  413: 'The body is too long.',
  415: 'The content type is not JSON.',
  422: 'Refused before anything was bought.',
  429: 'API Gateway admits no more requests at present. Try again a second later.',
  500: 'The deployment lacks a setting, or an error in Onebuck, which its log has.',
  502: 'Linode refused the token or the request.',
  503: 'Linode, or the function behind API Gateway, does not answer as it should. Try again later.',
};
