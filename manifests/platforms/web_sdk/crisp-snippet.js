// Tells Crisp's chatbox who somebody is. Needs nothing: take this file anywhere.
//
//   tellCrisp({ email: 'ada@example.com', nickname: 'Ada', segments: ['vip'], data: { plan: 'pro' } });
//
// The contact is flat, as GET /v1/contacts/{who} of crisp-connector answers. `signature` proves the address: the hex
// HMAC-SHA256 of it with the website's verification secret. Make it on your server; the secret never goes into a page.

function crispSettings(contact, signature) {
  const settings = [];
  const set = (name, values) => settings.push(['set', name, values]);
  const whole = [contact.first_name, contact.last_name].filter(Boolean).join(' ');
  const name = contact.nickname || contact.full_name || whole;
  if (contact.email) set('user:email', signature ? [contact.email, signature] : [contact.email]);
  if (contact.phone) set('user:phone', [contact.phone]);
  if (name) set('user:nickname', [name]);
  if (contact.avatar) set('user:avatar', [contact.avatar]);
  if (contact.company_name) set('user:company', [contact.company_name, crispCompany(contact)]);
  const data = Object.entries(contact.data || {}).filter(([, value]) => value !== null && value !== undefined);
  if (data.length) set('session:data', [data]);
  if ((contact.segments || []).length) set('session:segments', [contact.segments, false]);
  return settings;
}

function crispCompany(contact) {
  const company = {};
  if (contact.company_url) company.url = contact.company_url;
  if (contact.company_description) company.description = contact.company_description;
  const employment = [contact.job_title || '', contact.role || ''];
  const geolocation = [contact.country || '', contact.city || ''];
  if (employment.some(Boolean)) company.employment = employment;
  if (geolocation.some(Boolean)) company.geolocation = geolocation;
  return company;
}

function tellCrisp(contact, signature) {
  window.$crisp = window.$crisp || [];
  crispSettings(contact, signature).forEach((setting) => window.$crisp.push(setting));
}
