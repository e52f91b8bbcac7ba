/** @OnlyCurrentDoc */
const ADDRESS = "https://connector.example.com/in/google_sheets/";

// Rows of this spreadsheet become contacts in Crisp, and the column named Crisp says what became of each.
// The first row of a sheet holds the column names. Reload the spreadsheet: the menu "Send to Crisp" leads on.

const TITLE = 'Send to Crisp';
const STATUS = 'Crisp';
const AGAIN = 'Send rows that failed or wait again';
const UNFINISHED = /^(rejected|failed|not sent|waiting)\b/;
// Milliseconds after which nothing new is begun: Google ends a script after six minutes.
const LONGEST = 240000;
// Seconds in which the connector waits for Crisp before it answers, and how often it is asked again after that.
const PATIENT = { wait: 25, asks: 6 };

function onOpen() {
  SpreadsheetApp.getUi()
    .createMenu(TITLE)
    .addItem('Send selected rows', 'sendSelectedRows')
    .addItem('Send all rows', 'sendAllRows')
    .addItem(AGAIN, 'sendUnfinishedRows')
    .addSeparator()
    .addItem('Send changes by itself', 'startSending')
    .addItem('Stop sending by itself', 'stopSending')
    .addSeparator()
    .addItem('Connect…', 'connect')
    .addItem('Help', 'help')
    .addToUi();
}

function sendSelectedRows() {
  fromMenu(selectedRows);
}

function sendAllRows() {
  fromMenu(allRows, 'all');
}

function sendUnfinishedRows() {
  fromMenu(unfinishedRows, 'unfinished');
}

// `kind`: what goes on where it stopped, when its time was up.
function fromMenu(rowsOf, kind = '') {
  const until = Date.now() + LONGEST;
  const sheet = SpreadsheetApp.getActiveSheet();
  const lacking = whatIsLacking(sheet);
  if (lacking) return say(lacking);
  const first = kind ? goesOnAt(sheet, kind) : 0;
  const rows = rowsOf(sheet).filter((row) => row >= first);
  if (!rows.length) return say('There is no row to send here.');
  const progress = (count) => toast(count + ' of ' + rows.length + ' rows …');
  const done = sendRows(sheet, rows, { ...PATIENT, until, progress });
  if (kind && done.left.length) properties().setProperty(placeOf(sheet, kind), String(done.left[0]));
  tell(done, kind ? 'Choose the same again.' : 'Select them and choose the same again.');
}

function whatIsLacking(sheet) {
  if (!connection().secret) return 'Choose Connect… in this menu first.';
  const named = headersOf(sheet).some((name) => name.trim() && name.trim() !== STATUS);
  return named ? '' : 'The first row must hold the column names, such as Email and Name.';
}

function goesOnAt(sheet, kind) {
  const row = Number(properties().getProperty(placeOf(sheet, kind)));
  if (!row) return 0;
  properties().deleteProperty(placeOf(sheet, kind));
  const question = 'The last time it stopped before row ' + row + '. Go on there? No begins with the first row.';
  return agrees(question) ? row : 0;
}

function placeOf(sheet, kind) {
  return 'next ' + kind + ' ' + sheet.getSheetId();
}

function tell(done, remedy) {
  const counts = Object.entries(done.counts).map(([word, count]) => count + ' ' + word);
  const summary = 'Sent: ' + (counts.join(', ') || 'none') + '.';
  const left = done.left.length;
  if (done.problem) return say(done.problem + ' Rows not sent: ' + left + '. ' + summary);
  if (!left) return toast(summary);
  say('The time was up before row ' + done.left[0] + '. Rows left: ' + left + '. ' + remedy + ' ' + summary);
}

function allRows(sheet) {
  return between(2, sheet.getLastRow());
}

// What a filter hides is not meant by who selects around it.
function selectedRows(sheet) {
  const list = sheet.getActiveRangeList();
  const chosen = (list ? list.getRanges() : []).flatMap((range) => rowsIn(sheet, range));
  const filtered = sheet.getFilter() !== null;
  const shown = [...new Set(chosen)].filter((row) => !filtered || !sheet.isRowHiddenByFilter(row));
  return shown.sort((one, other) => one - other);
}

function unfinishedRows(sheet) {
  const column = statusColumn(sheet);
  const last = sheet.getLastRow();
  if (!column || last < 2) return [];
  const statuses = sheet.getRange(2, column, last - 1, 1).getDisplayValues();
  return between(2, last).filter((row) => UNFINISHED.test(statuses[row - 2][0]));
}

function help() {
  say(
    'The first row holds the column names, such as Email, Name and Phone. The column ' + STATUS + ' is written here: ' +
      'created, updated or unchanged; superseded, when a later row of the same person counts; rejected, with what to ' +
      'correct; waiting, when Crisp takes it later, without you; failed or not sent, with why. "' + AGAIN + '" looks ' +
      'what has become of all that are not done.',
  );
}

function say(text) {
  const ui = SpreadsheetApp.getUi();
  ui.alert(TITLE, text, ui.ButtonSet.OK);
}

function agrees(question) {
  const ui = SpreadsheetApp.getUi();
  return ui.alert(TITLE, question, ui.ButtonSet.YES_NO) === ui.Button.YES;
}

function toast(text) {
  SpreadsheetApp.getActive().toast(text, TITLE, 10);
}

// Sending by itself: a sheet whose first row has the status column takes part.

// Google gives all that runs by itself 90 minutes a day, so that this waits less.
const SHORT = { wait: 10, asks: 1 };
const MARK = 'sending';

function startSending() {
  const sheet = SpreadsheetApp.getActiveSheet();
  const lacking = whatIsLacking(sheet);
  if (lacking) return say(lacking);
  const taken = properties().getProperty(MARK) && !isMine();
  if (taken && !agrees('Somebody else has switched this on. Let it run under your account from now on?')) return;
  makeStatusColumn(sheet);
  makeTriggers();
  const names = SpreadsheetApp.getActive().getSheets().filter(statusColumn).map((each) => each.getName());
  say(
    'Rows that are edited and answers of forms are sent by themselves from now on, in: ' + names.join(', ') + '. ' +
      'For another sheet, open it and choose this again.',
  );
}

function stopSending() {
  removeTriggers();
  properties().deleteProperty(MARK);
  toast('Nothing is sent by itself any more.');
}

// Nobody sees another's triggers, and two would send everything twice: the newest has its mark in both places.
function makeTriggers() {
  removeTriggers();
  const spreadsheet = SpreadsheetApp.getActive();
  ScriptApp.newTrigger('rowsChanged').forSpreadsheet(spreadsheet).onEdit().create();
  ScriptApp.newTrigger('rowsChanged').forSpreadsheet(spreadsheet).onFormSubmit().create();
  const mark = Utilities.getUuid();
  properties().setProperty(MARK, mark);
  PropertiesService.getUserProperties().setProperty(MARK, mark);
}

function isMine() {
  const mark = properties().getProperty(MARK);
  return mark !== null && mark === PropertiesService.getUserProperties().getProperty(MARK);
}

function removeTriggers() {
  ScriptApp.getProjectTriggers()
    .filter((trigger) => trigger.getHandlerFunction() === 'rowsChanged')
    .forEach((trigger) => ScriptApp.deleteTrigger(trigger));
}

// Google calls it after an edit and after a form's answer, as who made the trigger. What a script writes calls nothing.
function rowsChanged(event) {
  if (!isMine()) return removeTriggers();
  const sheet = event.range.getSheet();
  const column = statusColumn(sheet);
  const [first, last] = [event.range.getColumn(), event.range.getLastColumn()];
  if (!column || (first === column && last === column)) return;
  const done = sendRows(sheet, rowsIn(sheet, event.range), { ...SHORT, until: Date.now() + LONGEST });
  const { rows } = tableOf(sheet, done.left);
  const why = done.problem || 'The time was up. Choose "' + AGAIN + '".';
  writeStatuses(sheet, rows, rows.map(() => 'not sent: ' + why));
}

// Connecting: what is asked is kept with the spreadsheet, not in this text, so that a copy has none of it.

function connect() {
  const address = isWhole(ADDRESS) ? ADDRESS : ask('The address of this sheet. It begins with ' + ADDRESS);
  if (!address) return;
  if (!isWhole(address)) return say('This is no address of a sheet. It is the url that was given with the secret.');
  const secret = ask('The secret of this sheet. It was shown once, when the address was made.');
  if (!secret) return;
  properties().setProperties({ address, secret });
  try {
    post(JSON.stringify({ headers: [], rows: [], event: { id: Utilities.getUuid() } }), { wait: 0, until: Date.now() });
    say('Connected. Select a row and choose "Send selected rows" for a first try.');
  } catch (problem) {
    say(problem.message);
  }
}

function isWhole(address) {
  return /^https?:\/\/[^\s?#]+\/in\/google_sheets\/[^\s/?#]+$/.test(address);
}

function ask(question) {
  const ui = SpreadsheetApp.getUi();
  const answer = ui.prompt(TITLE, question, ui.ButtonSet.OK_CANCEL);
  return answer.getSelectedButton() === ui.Button.OK ? answer.getResponseText().trim() : '';
}

function connection() {
  const { address, secret } = properties().getProperties();
  return { address: isWhole(ADDRESS) ? ADDRESS : address, secret };
}

function properties() {
  return PropertiesService.getDocumentProperties();
}

// Sending: part by part, each with its statuses.

// Rows in one request.
const MOST_ROWS = 200;
const TRIES = 4;
// Seconds between two tries.
const LONGEST_PAUSE = 30;

// `counts`: statuses by their word; `left`: rows that are not done; `problem`: why it stopped, if not for the time.
function sendRows(sheet, rows, how) {
  makeStatusColumn(sheet);
  const done = { counts: {}, left: rows, problem: '' };
  while (done.left.length && Date.now() < how.until) {
    const table = tableOf(sheet, done.left.slice(0, MOST_ROWS));
    const { statuses, problem } = became(sheet, table, how);
    writeStatuses(sheet, table.rows, statuses);
    done.problem = problem;
    if (problem) break;
    statuses.map(wordOf).forEach((word) => (done.counts[word] = (done.counts[word] || 0) + 1));
    done.left = done.left.slice(MOST_ROWS);
    if (how.progress && done.left.length) how.progress(rows.length - done.left.length);
  }
  return done;
}

function became(sheet, table, how) {
  if (!table.rows.length) return { statuses: [], problem: '' };
  try {
    return { statuses: statusesOf(exchange(payloadOf(sheet, table), how), table.rows.length), problem: '' };
  } catch (problem) {
    return { statuses: table.rows.map(() => 'not sent: ' + problem.message), problem: problem.message };
  }
}

function payloadOf(sheet, table) {
  const zone = sheet.getParent().getSpreadsheetTimeZone();
  return {
    spreadsheetId: sheet.getParent().getId(),
    sheetName: sheet.getName(),
    headers: table.headers,
    rowNumbers: table.rows.map((row) => row.number),
    rows: table.rows.map((row) => row.cells.map((cell) => plain(cell, zone))),
    editedAt: table.readAt,
    event: { id: Utilities.getUuid() },
  };
}

// A date is written in the zone of the spreadsheet, where the day is the day that somebody typed.
function plain(cell, zone) {
  const isDate = Object.prototype.toString.call(cell) === '[object Date]';
  return isDate ? Utilities.formatDate(cell, zone, "yyyy-MM-dd'T'HH:mm:ssXXX") : cell;
}

// An event that is sent again is not taken twice: it is answered what has become of the first.
function exchange(payload, how) {
  const body = JSON.stringify(payload);
  let answer = post(body, how);
  for (let asked = 0; asked < how.asks && isOnItsWay(answer) && Date.now() < how.until; asked++) {
    Utilities.sleep(1000);
    answer = post(body, how);
  }
  return answer;
}

function isOnItsWay(answer) {
  return answer.records ? answer.records.some((record) => record.code === 'in_progress') : !answer.code;
}

function post(body, how) {
  const { address, secret } = connection();
  if (!address || !secret) throw new Error('Choose ' + TITLE + ', then Connect….');
  const request = {
    method: 'post',
    contentType: 'application/json',
    payload: body,
    headers: { 'X-Connector-Signature': 'sha256=' + signature(body, secret) },
    muteHttpExceptions: true,
    followRedirects: false,
  };
  for (let tried = 1; ; tried++) {
    const answer = fetched(address + '?wait=' + how.wait, request);
    if (answer.status === 200) return answer.value;
    const isPassing = answer.status === 0 || answer.status === 429 || answer.status >= 500;
    if (!isPassing || tried === TRIES || Date.now() >= how.until) throw new Error(remedyOf(answer));
    Utilities.sleep(1000 * Math.min(answer.retryAfter || 2 ** tried, LONGEST_PAUSE));
  }
}

// Apps Script gives bytes from -128 to 127, and takes ASCII for granted unless it is told UTF-8.
function signature(body, secret) {
  const bytes = Utilities.computeHmacSha256Signature(body, secret, Utilities.Charset.UTF_8);
  return bytes.map((byte) => (byte & 0xff).toString(16).padStart(2, '0')).join('');
}

// Status 0 is no answer at all, with Google's words for it. A page of something else, such as a sign-in, counts as 404.
function fetched(url, request) {
  try {
    const response = UrlFetchApp.fetch(url, request);
    const [status, value] = [response.getResponseCode(), valueOf(response.getContentText())];
    const [, pause] = Object.entries(response.getHeaders()).find(([name]) => /^retry-after$/i.test(name)) || [];
    return { status: status === 200 && !value.stored ? 404 : status, value, retryAfter: Number(pause), words: '' };
  } catch (problem) {
    return { status: 0, value: {}, retryAfter: 0, words: problem.message };
  }
}

function valueOf(text) {
  try {
    return JSON.parse(text) || {};
  } catch (problem) {
    return {};
  }
}

function remedyOf({ status, value, words }) {
  const told = value.message || 'The connector answered ' + status + '.';
  if (status === 0) return 'The connector could not be reached (' + words + '). Try again later.';
  if (status === 401) return 'The secret is wrong, or this address was removed. Choose Connect… and give both anew.';
  if (status === 404 || Math.floor(status / 100) === 3) return 'No connector is at this address. Choose Connect… again.';
  if (status === 413) return 'These rows are too large to be sent at once. Select fewer of them.';
  return status === 429 || status >= 500 ? told + ' Try again later.' : told;
}

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
