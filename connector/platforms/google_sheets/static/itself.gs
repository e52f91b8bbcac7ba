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
