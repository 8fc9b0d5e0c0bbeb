import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { TableProperties } from '../local/dynamodb.ts';

/** The table of stack/table.yml, under a name for tests. */
export const TABLE: TableProperties & { TableName: string } = {
  ...parse(readFileSync(new URL('../stack/table.yml', import.meta.url), 'utf8')).Resources
    .ClustersTable.Properties,
  TableName: 'clusters-under-test',
};
