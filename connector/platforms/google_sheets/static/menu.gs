/** @OnlyCurrentDoc */
const ADDRESS = 'https://connector.example.com/in/google_sheets/';

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
