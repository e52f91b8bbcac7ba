// Rows: what they say, and the status column, which is found by its name and is never sent.

// What the answer says of each row, in the order in which the rows were sent.
function statusesOf(answer, count) {
  const records = new Map((answer.records || []).map((record) => [record.row, record]));
  let others = 'waiting: The connector keeps it and takes it in later.';
  if (answer.code) others = 'rejected: ' + answer.message;
  else if (answer.records) others = 'not sent: The connector found nothing in this row.';
  return between(1, count).map((row) => (records.has(row) ? statusOf(records.get(row)) : others));
}

function statusOf(record) {
  const word = record.status === 'dead' ? 'failed' : record.status;
  return record.message ? word + ': ' + record.message : word;
}

function wordOf(status) {
  return status.split(':')[0];
}

// While the connector was asked, rows may have been moved or edited: what says something else now keeps its own status.
function writeStatuses(sheet, rows, statuses) {
  const column = statusColumn(sheet);
  if (!column) return;
  const now = new Map(tableOf(sheet, rows.map((row) => row.number)).rows.map((row) => [row.number, row.said]));
  const told = rows.map((row, index) => ({ ...row, status: statuses[index] }));
  const zone = sheet.getParent().getSpreadsheetTimeZone();
  const time = Utilities.formatDate(new Date(), zone, 'yyyy-MM-dd HH:mm:ss');
  for (const run of runsOf(told.filter((row) => now.get(row.number) === row.said))) {
    const range = sheet.getRange(run[0].number, column, run.length, 1);
    range.setValues(run.map((row) => [row.status]));
    range.setNotes(run.map(() => [time]));
    range.setFontColors(run.map((row) => [colourOf(row.status)]));
  }
}

// Null is the colour of the sheet.
function colourOf(status) {
  if (/^(created|updated)/.test(status)) return '#188038';
  return UNFINISHED.test(status) ? (wordOf(status) === 'waiting' ? '#b06000' : '#c5221f') : null;
}

// Rows that follow each other are written at once.
function runsOf(rows) {
  const runs = [];
  for (const row of rows) {
    const run = runs[runs.length - 1];
    if (run && run[run.length - 1].number === row.number - 1) run.push(row);
    else runs.push([row]);
  }
  return runs;
}

// From 1, or 0 where there is none.
function statusColumn(sheet) {
  return headersOf(sheet).findIndex((name) => name.trim() === STATUS) + 1;
}

// Two edits at once must not make two.
function makeStatusColumn(sheet) {
  if (statusColumn(sheet)) return;
  const lock = LockService.getDocumentLock();
  lock.waitLock(30000);
  try {
    if (statusColumn(sheet)) return;
    const column = sheet.getLastColumn() + 1;
    if (column > sheet.getMaxColumns()) sheet.insertColumnAfter(sheet.getMaxColumns());
    sheet.getRange(1, column).setValue(STATUS);
    SpreadsheetApp.flush();
  } finally {
    lock.releaseLock();
  }
}

function headersOf(sheet) {
  return sheet.getRange(1, 1, 1, Math.max(sheet.getLastColumn(), 1)).getDisplayValues()[0];
}

// What rows say, in ascending order, without those that are empty. `said` tells whether a row is still the same: of a
// formula its text, for what it comes to may be another each time. `readAt` is before the reading, so that of two who
// read at once nobody is older than what is newer.
function tableOf(sheet, numbers) {
  const readAt = new Date().toISOString();
  const names = headersOf(sheet);
  const status = names.findIndex((name) => name.trim() === STATUS);
  const without = (cells) => cells.filter((_, index) => index !== status);
  const there = numbers.filter((number) => number <= sheet.getMaxRows());
  if (!there.length) return { headers: without(names), rows: [], readAt };
  const first = there[0];
  const range = sheet.getRange(first, 1, there[there.length - 1] - first + 1, names.length);
  const [values, formulas] = [range.getValues(), range.getFormulas()];
  const rows = there.map((number) => {
    const [cells, texts] = [without(values[number - first]), without(formulas[number - first])];
    return { number, cells, said: JSON.stringify(cells.map((cell, index) => texts[index] || cell)) };
  });
  return { headers: without(names), rows: rows.filter((row) => !row.cells.every(isBlank)), readAt };
}

// A checkbox that nobody has ticked says nothing.
function isBlank(cell) {
  return cell === false || (typeof cell === 'string' && cell.trim() === '');
}

// Rows of a range that may be sent: not the names, and none below the last one.
function rowsIn(sheet, range) {
  return between(Math.max(range.getRow(), 2), Math.min(range.getLastRow(), sheet.getLastRow()));
}

function between(first, last) {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}
