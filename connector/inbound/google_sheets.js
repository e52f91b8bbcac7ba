const ADDRESS = 'PASTE_THE_ADDRESS_HERE';
const SECRET = 'PASTE_THE_SECRET_HERE';

// Rows of this sheet go to Crisp: each one that is edited, and each answer of a form. Run setUp once.
// The first row holds the column names. Run sendAllRows to send what is there already.

const MOST_ROWS = 500;
const TRIES = 4;

function setUp() {
  const spreadsheet = SpreadsheetApp.getActive();
  ScriptApp.getProjectTriggers().forEach((trigger) => ScriptApp.deleteTrigger(trigger));
  ScriptApp.newTrigger('rowsChanged').forSpreadsheet(spreadsheet).onEdit().create();
  ScriptApp.newTrigger('rowsChanged').forSpreadsheet(spreadsheet).onFormSubmit().create();
}

function rowsChanged(event) {
  const range = event.range;
  sendRows(range.getSheet(), range.getRow(), range.getNumRows());
}

function sendAllRows() {
  const sheet = SpreadsheetApp.getActive().getActiveSheet();
  sendRows(sheet, 2, sheet.getLastRow() - 1);
}

function sendRows(sheet, first, count) {
  const last = Math.min(first + count - 1, sheet.getLastRow());
  for (let row = Math.max(first, 2); row <= last; row += MOST_ROWS) {
    send(payloadOf(sheet, row, Math.min(MOST_ROWS, last - row + 1)));
  }
}

function payloadOf(sheet, first, count) {
  const spreadsheet = sheet.getParent();
  const width = sheet.getLastColumn();
  const zone = spreadsheet.getSpreadsheetTimeZone();
  const rows = sheet.getRange(first, 1, count, width).getValues();
  return {
    spreadsheetId: spreadsheet.getId(),
    sheetName: sheet.getName(),
    rowNumber: first,
    headers: sheet.getRange(1, 1, 1, width).getDisplayValues()[0],
    rows: rows.map((cells) => cells.map((cell) => plain(cell, zone))),
    editedAt: new Date().toISOString(),
  };
}

// A date is written in the zone of the spreadsheet, where the day is the day that somebody typed.
function plain(cell, zone) {
  const isDate = Object.prototype.toString.call(cell) === '[object Date]';
  return isDate ? Utilities.formatDate(cell, zone, "yyyy-MM-dd'T'HH:mm:ssXXX") : cell;
}

function send(payload) {
  const body = JSON.stringify(payload);
  const request = {
    method: 'post',
    contentType: 'application/json',
    payload: body,
    headers: { 'X-Connector-Signature': 'sha256=' + signature(body), 'X-Connector-Event': Utilities.getUuid() },
    muteHttpExceptions: true,
    followRedirects: false,
  };
  for (let tried = 1; ; tried++) {
    const status = statusOf(request);
    if (status >= 200 && status < 300) return;
    if (status < 500 || tried === TRIES) throw new Error('The rows were not taken: ' + status);
    Utilities.sleep(1000 * 2 ** tried);
  }
}

// 599 stands for no answer at all.
function statusOf(request) {
  try {
    return UrlFetchApp.fetch(ADDRESS, request).getResponseCode();
  } catch (problem) {
    return 599;
  }
}

// Apps Script gives bytes from -128 to 127, and takes ASCII for granted unless it is told UTF-8.
function signature(body) {
  const bytes = Utilities.computeHmacSha256Signature(body, SECRET, Utilities.Charset.UTF_8);
  return bytes.map((byte) => (byte & 0xff).toString(16).padStart(2, '0')).join('');
}
