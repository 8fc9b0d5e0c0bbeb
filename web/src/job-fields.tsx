import { useState } from 'preact/hooks';
import type { JobForm } from './job-form.ts';
import { labels } from './labels.ts';
import { Details, Field } from './parts.tsx';
import { type FieldsProps, faultOf } from './spec.ts';
import { UploadField } from './upload-field.tsx';

/** What the cluster runs, with what it needs and what is kept of it. */
export function JobFields({ form: { job }, faults, onChange }: FieldsProps) {
  const [isShut] = useState(!isUsed(job));
  const change = (some: Partial<JobForm>) => onChange({ job: { ...job, ...some } });
  const fault = (path: string) => faultOf(faults, path);
  const isFaulty = Object.keys(faults).some((path) => /^job\b/.test(path));
  return (
    <Details
      summary="Job: a command, its files and its results"
      isOpen={isFaulty || !isShut || isUsed(job)}
    >
      <Field
        label={labels['job.command']}
        hint="Run by the shell of a node, in the folder of the job. When it has ended, so has the cluster."
        error={fault('job.command') ?? faults.job}
      >
        {(attributes) => (
          <textarea
            {...attributes}
            class="code"
            rows={3}
            spellcheck={false}
            placeholder="sh ./run.sh"
            value={job.command}
            onInput={(event) => change({ command: event.currentTarget.value })}
          />
        )}
      </Field>
      <UploadField
        uploads={job.uploads}
        error={fault('job.inputs')}
        onUploads={(uploads) => change({ uploads })}
        onBusy={(isUploading) => onChange({ isUploading })}
      />
      <div class="row">
        <LinesField
          path="job.results"
          hint="Paths or globs in the folder, one a line, such as out/. They can be fetched for 30 days, unless the operator set another time."
          {...{ fault, value: job.results }}
          onText={(results) => change({ results })}
        />
        <LinesField
          path="job.env"
          hint="One a line, such as SEED=7."
          {...{ fault, value: job.env }}
          onText={(env) => change({ env })}
        />
      </div>
      <div class="row">
        <Field label={labels['job.on']} error={fault('job.on')}>
          {(attributes) => (
            <select
              {...attributes}
              value={job.on}
              onChange={(event) => change({ on: event.currentTarget.value as JobForm['on'] })}
            >
              <option value="head">Node 0</option>
              <option value="all">Every node</option>
            </select>
          )}
        </Field>
        <Field
          label={labels['job.tasks']}
          hint="Such as 1-100: dealt to the nodes, in ONEBUCK_TASK_IDS."
          error={fault('job.tasks')}
        >
          {(attributes) => (
            <input
              {...attributes}
              spellcheck={false}
              value={job.tasks}
              onInput={(event) => change({ tasks: event.currentTarget.value })}
            />
          )}
        </Field>
      </div>
      <AfterFields job={job} fault={fault} onJob={change} />
    </Details>
  );
}

const isUsed = ({ command, results, env, tasks, uploads }: JobForm): boolean =>
  `${command}${results}${env}${tasks}`.trim() !== '' || uploads.length > 0;

interface LinesProps {
  readonly path: 'job.results' | 'job.env';
  readonly hint: string;
  readonly value: string;
  readonly fault: (path: string) => string | undefined;
  readonly onText: (text: string) => void;
}

function LinesField({ path, hint, value, fault, onText }: LinesProps) {
  return (
    <Field label={labels[path]} hint={hint} error={fault(path)}>
      {(attributes) => (
        <textarea
          {...attributes}
          class="code"
          rows={2}
          spellcheck={false}
          value={value}
          onInput={(event) => onText(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

interface AfterProps {
  readonly job: JobForm;
  readonly fault: (path: string) => string | undefined;
  readonly onJob: (some: Partial<JobForm>) => void;
}

/** What becomes of the cluster. */
function AfterFields({ job, fault, onJob }: AfterProps) {
  return (
    <div class="row">
      <Field label={labels['job.onDone']} error={fault('job.onDone')}>
        {(attributes) => (
          <select
            {...attributes}
            value={job.onDone}
            onChange={(event) => onJob({ onDone: event.currentTarget.value as JobForm['onDone'] })}
          >
            <option value="destroy">Destroy the cluster</option>
            <option value="keep">Keep it</option>
          </select>
        )}
      </Field>
      <Field label={labels['job.onFailure']} error={fault('job.onFailure')}>
        {(attributes) => (
          <select
            {...attributes}
            value={job.onFailure}
            onChange={(event) =>
              onJob({ onFailure: event.currentTarget.value as JobForm['onFailure'] })
            }
          >
            <option value="keepPaidHour">Keep it for the paid hour</option>
            <option value="destroy">Destroy the cluster</option>
            <option value="keep">Keep it</option>
          </select>
        )}
      </Field>
      <Field
        label={labels['job.gracePeriodSeconds']}
        hint="Seconds from SIGTERM to the teardown; 120 if blank."
        error={fault('job.gracePeriodSeconds')}
      >
        {(attributes) => (
          <input
            {...attributes}
            inputmode="numeric"
            value={job.grace}
            onInput={(event) => onJob({ grace: event.currentTarget.value })}
          />
        )}
      </Field>
    </div>
  );
}
