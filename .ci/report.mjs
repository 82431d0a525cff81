/**
 * Reads vitest's reports for .ci/run. Plain JavaScript without packages: it must also run when nothing is installed.
 *
 *   report.mjs counts REPORT           prints `N passed, N failed, N skipped`; fails when there is no sound report
 *   report.mjs coverage SUMMARY LEAST  prints the coverage; fails when fewer than LEAST % of lines ran
 */
import { readFileSync } from 'node:fs';

const [, , command, path, least] = process.argv;

/** The report, or undefined when it is absent or no JSON. */
function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    console.log(`no report: ${error.message}`);
    return undefined;
  }
}

function counts(report) {
  if (report === undefined) {
    console.log('0 passed, 0 failed, 0 skipped');
    return false;
  }
  // A file that could not be loaded has no tests of its own; it is one failure.
  const unloaded = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  );
  for (const { name, message } of unloaded) console.log(`${name}: ${message || 'failed outside of its tests'}`);
  const failed = report.numFailedTests + unloaded.length;
  const skipped = report.numPendingTests + (report.numTodoTests ?? 0);
  console.log(`${report.numPassedTests} passed, ${failed} failed, ${skipped} skipped`);
  return failed === 0 && report.success && report.numPassedTests > 0;
}

function coverage(summary) {
  if (summary === undefined) return false;
  const { lines, branches, functions } = summary.total;
  console.log(`lines ${lines.pct} %, branches ${branches.pct} %, functions ${functions.pct} % (at least ${least} % of lines)`);
  return lines.pct >= Number(least);
}

const sound = command === 'counts' ? counts(read(path)) : command === 'coverage' && coverage(read(path));
process.exitCode = sound ? 0 : 1;
